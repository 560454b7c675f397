internal import PostludeSystem
internal import PostludeTaskStore

/// A hash of what clients see of a task. It is the same in all processes, and another one after each change.
struct TaskStamp: Sendable, Equatable {
    /// That of a task of which a client knows nothing.
    static let none = TaskStamp(0)
    /// That of a task that was removed.
    static let removed = TaskStamp(1)

    private let value: UInt64

    private init(_ value: UInt64) { self.value = value }

    /// - Parameter record: nil if it was removed.
    init(_ record: RecordSummary?) {
        guard let record else {
            self = .removed
            return
        }
        var hash = StableHash()
        let ended = record.ended?.milliseconds ?? 0
        for number in [record.state.rawValue, Int64(record.attempts), ended] {
            hash.add((0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
        }
        hash.add((record.progress?.text ?? "").utf8)
        self.init(hash.value > 1 ? hash.value : hash.value + 2)
    }

    init?(_ text: Substring) {
        guard text.utf8.count <= 13, let value = UInt64(text, radix: 36) else { return nil }
        self.init(value)
    }

    var text: String { String(value, radix: 36) }
}

/// What a client knows of the tasks of its stream: the id of an event.
struct ReceiptPosition: Sendable, Equatable {
    /// The size of an id that no client has got, in bytes.
    static let longest = 1024

    let stamps: [TaskStamp]

    init(_ stamps: [TaskStamp]) { self.stamps = stamps }

    /// - Returns: nil if it is not the id of an event of a stream with this number of tasks.
    init?(_ text: String, count: Int) {
        guard text.utf8.count <= Self.longest else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == count else { return nil }
        let stamps = parts.compactMap { TaskStamp($0) }
        guard stamps.count == count else { return nil }
        self.init(stamps)
    }

    var text: String { stamps.map(\.text).joined(separator: ".") }
}
