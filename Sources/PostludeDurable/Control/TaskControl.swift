internal import PostludeTaskStore

/// What a pause, its end or a cancellation is about.
enum ControlTarget {
    case kind(String)
    case key(String, name: String)
    case task(RecordID)

    /// What the record of actions shows.
    var text: String { pause.description }

    var pause: PauseTarget {
        switch self {
        case .kind(let name): .kind(name)
        case .key(let key, let name): .key(key, name: name)
        case .task(let id): .record(id)
        }
    }
}

extension RecordStore {
    /// The number of records that one transaction cancels.
    private var cancelBatch: Int { 500 }

    /// Cancels the tasks of a target that are not over.
    ///
    /// - Returns: the number of cancelled tasks, including those that their processes are told to cancel; `result` is that of the
    ///   last one that was not changed, or `changed`.
    func cancel(
        _ target: ControlTarget, by who: String
    ) throws -> (count: Int, result: RecordActionResult) {
        let origin = ActionOrigin(who: who, target: target.text)
        var (count, result) = (0, RecordActionResult.unknown)
        func cancel(_ ids: [RecordID]) throws {
            for each in try self.cancel(ids, by: origin) {
                switch each {
                case .changed, .requested:
                    count += 1
                    result = each
                case .unknown, .refused: if count == 0 { result = each }
                }
            }
        }
        switch target {
        case .task(let id): try cancel([id])
        case .key(let key, let name):
            if let id = try holder(of: key, name: name) { try cancel([id]) }
        case .kind(let name):
            var next: Int64?
            repeat {
                let page = try list(
                    RecordFilter(states: [.waiting, .running, .outgoing], name: name), .oldestFirst,
                    after: next, limit: cancelBatch)
                if !page.records.isEmpty { try cancel(page.records.map(\.id)) }
                next = page.next
            } while next != nil
        }
        return (count, result)
    }
}
