internal import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

/// The event stream of a client that follows tasks.
struct Receipt: Sendable {
    /// The largest number of tasks of one stream: as many as `Task-Id` names.
    static let taskLimit = 32
    /// The size in bytes of a result, and of an error's text, above which an event does not have it.
    static let longestValue = 8 << 10

    struct Task: Sendable {
        let id: RecordID
        /// The record's number; nil if the record was removed before the client has connected.
        let number: Int64?
        /// What the client knows of the task.
        var known: TaskStamp
        var isOver = false
    }

    private(set) var tasks: [Task]
    let showsErrors: Bool
    private let stream: EventChannel.OfResponse

    /// - Parameter channel: the channel of the response. Nothing has been published to it.
    init(_ tasks: [Task], showingErrors showsErrors: Bool, on channel: EventChannel) {
        self.tasks = tasks
        self.showsErrors = showsErrors
        stream = EventChannel.OfResponse(channel)
    }

    /// Returns a channel that keeps what one client may not have read yet: few events, however long it is open.
    static func channel(for count: Int) -> EventChannel {
        EventChannel(keeping: count * 2 + 4, bytes: count * (longestValue * 2 + 2048))
    }

    /// Whether the response has ended.
    var hasEnded: Bool { stream.channel == nil }

    /// Whether nothing more is to be told.
    var isOver: Bool { tasks.allSatisfy(\.isOver) }

    /// Tells the client what a record is now, unless it knows that. Ends the stream when all tasks are over.
    ///
    /// - Parameters:
    ///   - record: nil if it was removed.
    ///   - content: returns the event's data; called only if there is an event.
    mutating func tell(
        _ index: Int, _ record: RecordSummary?, _ content: (_ showsErrors: Bool) throws -> String
    ) rethrows {
        guard let channel = stream.channel else { return }
        let stamp = TaskStamp(record)
        if stamp != tasks[index].known {
            let text = try content(showsErrors)
            tasks[index].known = stamp
            channel.publish(ServerSentEvent(data: text, id: ReceiptPosition(tasks.map(\.known)).text))
        }
        tasks[index].isOver = record?.state.isOver ?? true
        if isOver { channel.finish() }
    }
}

/// The data of the events about one record, made when the first client needs them.
struct ReceiptContent {
    private let record: RecordSummary?
    private let id: RecordID
    private let result: () throws -> Data?
    private var texts: [Bool: String] = [:]

    /// - Parameters:
    ///   - record: nil if it was removed.
    ///   - result: reads the record's result.
    init(_ record: RecordSummary?, id: RecordID, result: @escaping () throws -> Data?) {
        self.record = record
        self.id = id
        self.result = result
    }

    mutating func text(showingErrors showsErrors: Bool) throws -> String {
        if let text = texts[showsErrors] { return text }
        let text = try make(showsErrors)
        texts[showsErrors] = text
        return text
    }

    private func make(_ showsErrors: Bool) throws -> String {
        guard let record else {
            return String(decoding: try JSONFormat.current.encode(RemovedTask(id: id.text)), as: UTF8.self)
        }
        let result = record.state == .done ? try result() : nil
        let isShort = result.map { $0.count <= Receipt.longestValue } ?? true
        var status = DurableTaskStatus(record, result: isShort ? result : nil)
        if let error = status.error, error.utf8.count > Receipt.longestValue { status.error = nil }
        var answer = StatusAnswer(status, showsErrors)
        if !isShort { answer.hasLongResult = true }
        return String(decoding: try answer.json(), as: UTF8.self)
    }
}

/// What an event tells of a task that was removed.
private struct RemovedTask: Encodable {
    let id: String
    var state = "removed"
}
