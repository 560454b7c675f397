internal import FoundationEssentials
internal import Postlude
internal import PostludeManifest
internal import PostludeTaskStore

/// The status pages' access to a task store, as a visitor. It opens the task store for each call, because that may not exist
/// yet, or may be replaced by a backup.
struct TaskStoreInspector: TaskInspector {
    /// The maximum number of dead letters in a report.
    static let deadLetters = 20
    /// How long another version of the program has time to take tasks that one could not read.
    private static let patience = Duration.seconds(60)

    let driver: any RecordStoreDriver
    let place: String

    var library: String { driver.library }

    func report() throws -> StoredTaskReport {
        try withTaskStore { taskStore in
            let counts = try taskStore.counts(of: [.waiting, .running, .outgoing, .failed])
            let page = try taskStore.list(
                RecordFilter(states: [.failed]), .newestFirst, after: nil, limit: Self.deadLetters)
            let (now, patience) = (Date(), Self.patience)
            let unreadable = try taskStore.unreadable(
                dueBefore: now.advanced(by: patience), notedBefore: now.advanced(by: .zero - patience))
            return StoredTaskReport(
                names: counts.names.sorted { $0.key < $1.key }.map { name, counts in
                    var kind = StoredTaskReport.Kind(name, counts)
                    kind.unreadable = unreadable[name]
                    return kind
                },
                oldestAge: counts.oldestDue.map { max(0, Date().timeIntervalSince($0)) },
                oldestWaitingAge: try taskStore.nextDue(takingSuspect: true).flatMap {
                    let age = Date().timeIntervalSince($0)
                    return age > 0 ? age : nil
                },
                deadLetters: page.records.map(StoredTaskReport.DeadLetter.init))
        }
    }

    func deadLetters(after: Int64?, limit: Int) throws -> DeadLetterPage {
        try withTaskStore { taskStore in
            let page = try taskStore.list(
                RecordFilter(states: [.failed]), .newestFirst, after: after, limit: limit)
            return DeadLetterPage(
                deadLetters: page.records.map(StoredTaskReport.DeadLetter.init), next: page.next)
        }
    }

    func perform(_ action: TaskAction, on id: String) throws -> TaskActionResult {
        guard let id = RecordID(id) else { return .unknown }
        return try withTaskStore { taskStore in
            let results =
                switch action {
                case .retry: try taskStore.retry([id])
                case .discard: try taskStore.discard([id])
                }
            return results.first.map(TaskActionResult.init) ?? .unknown
        }
    }

    private func withTaskStore<Value>(_ body: (any RecordStore) throws -> Value) throws -> Value {
        let taskStore = try driver.open(place, role: .visitor, settings: TaskStoreSettings())
        // The changes of `body` are on the disk before the task store is closed.
        defer { try? taskStore.close() }
        return try body(taskStore)
    }
}

extension StoredTaskReport.Kind {
    fileprivate init(_ name: String, _ counts: [RecordState: Int]) {
        self.init(name: name)
        waiting = counts[.waiting] ?? 0
        running = counts[.running] ?? 0
        outgoing = counts[.outgoing] ?? 0
        failed = counts[.failed] ?? 0
    }
}

extension StoredTaskReport.DeadLetter {
    fileprivate init(_ record: RecordSummary) {
        self.init(
            id: record.id.text, name: record.name, attempts: record.attempts, error: record.error ?? "",
            ended: Int(record.ended?.timeIntervalSince1970 ?? 0))
    }
}

extension TaskActionResult {
    fileprivate init(_ result: RecordActionResult) {
        self =
            switch result {
            case .changed: .changed
            case .unknown: .unknown
            case .refused(let reason): .refused(reason)
            }
    }
}
