internal import FoundationEssentials
package import Journal
internal import Linux
package import Postlude

/// A task of which this module's store keeps a record.
protocol RecordedTask: StoredTask {
    var record: NewRecord { get }

    /// The journal has it.
    ///
    /// - Parameter runsHere: whether this process is the owner of what is due.
    func kept(_ kept: KeptRecord, in access: JournalAccess, runsHere: Bool)
}

/// A task of no kind of this program: it is kept, and leaves.
final class SentTask: RecordedTask {
    let record: NewRecord
    let arguments: [any Sendable]
    private let keptID: Lock<RecordID>

    /// - Parameter record: with an id and a queue.
    init(_ record: NewRecord, showing arguments: [any Sendable]) {
        self.record = record
        self.arguments = arguments
        keptID = Lock(record.id ?? RecordID.make(at: 0))
    }

    var id: String { keptID.withLock { $0.text } }
    var name: String { record.name }
    var deadline: Duration? { nil }
    var retry: RetryPolicy { .none }
    var earlierAttempts: Int { 0 }
    var runsHere: Bool { false }

    func kept(_ kept: KeptRecord, in access: JournalAccess, runsHere: Bool) {
        keptID.withLock { $0 = kept.id }
    }
    func run() async throws {}
    func begin() -> Bool { false }
    func ended(_ end: StoredTaskEnd) {}
}

extension BackgroundTasks {
    /// Keeps a task for a queue of the application's broker; it leaves behind the response.
    ///
    /// - Parameters:
    ///   - record: with a queue; it gets an id.
    ///   - arguments: what the log and tests show of it.
    /// - Throws: ``DurableTaskError`` where the application has no broker; why the broker would not take it; `LateTask`
    ///   once the response has begun.
    package func send(_ record: NewRecord, showing arguments: [any Sendable]) throws -> DurableTaskHandle {
        guard let store = store as? any DurableTaskStore, let queue = record.queue else {
            throw DurableTaskError.noEngine(task: record.name)
        }
        var record = record
        let id = record.id ?? .make(at: Int64(Date().timeIntervalSince1970 * 1000))
        record.id = id
        try store.check(OutgoingTask(record, of: requestID), for: queue)
        try add(stored: SentTask(record, showing: arguments))
        return DurableTaskHandle(id: id.text)
    }
}
