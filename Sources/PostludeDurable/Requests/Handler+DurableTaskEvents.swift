internal import HTTPTypes
public import Postlude
internal import PostludeTaskStore

extension Handler {
    /// Returns a handler that responds with server-sent events about durable tasks: their states, progress and results
    /// (<doc:LiveReceipts>). The manifest needs a route with one parameter, which is the id of a task, or several ids,
    /// separated by commas, as the response's `Task-Id` has them:
    ///
    /// ```yaml
    /// routes:
    ///   - { path: "/tasks/{ids}/events", method: GET, handler: task-events }
    /// ```
    ///
    /// The data of each event is the JSON of ``durableTaskStatus(_:showingErrors:)``, for one of the tasks. The first events tell what
    /// the tasks are now. The response ends with the event that tells the end of the last task. No stream holds a worker.
    ///
    /// The response is 404 if there is none of the tasks, and 400 for more than 32 ids. Every client that has an id can follow
    /// the task; ids cannot be guessed.
    ///
    /// - Parameters:
    ///   - name: the handler's name in routes.
    ///   - showsErrors: whether events contain the text of the last error, which may show internals.
    public static func durableTaskEvents(
        _ name: String = "task-events", showingErrors showsErrors: Bool = false
    ) -> Handler {
        Handler(name) { (ids: Path<String>, request: Request, tasks: BackgroundTasks) throws -> Response in
            let store = try tasks.durableStore(for: "events")
            guard let store = store as? any ReceiptStore else {
                throw DurableTaskError.noEngine(task: "events")
            }
            return try store.events(of: ids.value, after: request.lastEventID, showingErrors: showsErrors)
        }
    }
}

extension ReceiptStore {
    /// - Parameters:
    ///   - list: the ids of tasks, separated by commas.
    ///   - lastID: the id of the last event that the client has got.
    fileprivate func events(
        of list: String, after lastID: String?, showingErrors showsErrors: Bool
    ) throws -> Response {
        let texts = list.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.drop { $0 == " " } }
        guard texts.count <= Receipt.taskLimit else {
            throw HTTPError(.badRequest, "At most \(Receipt.taskLimit) tasks can be followed at once")
        }
        let lastID = lastID ?? ""
        guard lastID.utf8.count <= ReceiptPosition.longest else {
            throw HTTPError(.badRequest, "Last-Event-ID is longer than any event's id")
        }
        let ids = texts.compactMap { RecordID(String($0)) }
        let position = ReceiptPosition(lastID, count: ids.count)
        let found = try openAccess().taskStore.summaries(withIDs: ids)
        let records = ids.map { id in found.first { $0.id == id } }
        // A task that the client has followed may have been removed since.
        guard ids.count == texts.count, position != nil || records.contains(where: { $0 != nil }) else {
            throw HTTPError(.notFound, "There is no such task, or it was removed")
        }
        let channel = Receipt.channel(for: ids.count)
        channel.begin(after: lastID)
        var receipt = Receipt(
            zip(ids, records).enumerated().map { index, task in
                Receipt.Task(
                    id: task.0, number: task.1?.number, known: position?.stamps[index] ?? .none)
            }, showingErrors: showsErrors, on: channel)
        // What is over does not change any more. Everything else is told by the follower alone, so that nothing newer precedes it.
        for (index, record) in records.enumerated() where record?.state.isOver ?? true {
            var content = ReceiptContent(record, id: ids[index]) { [self] in
                try self.record(ids[index])?.result
            }
            try receipt.tell(index, record) { try content.text(showingErrors: $0) }
        }
        if !receipt.isOver { try receipts().follow(receipt) }
        return .events(from: channel, replays: true)
    }
}
