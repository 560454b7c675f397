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
    /// The names of the application's kinds.
    let kinds: [String]

    var library: String { driver.library }

    func report() throws -> StoredTaskReport {
        try withTaskStore { taskStore in
            let counts = try taskStore.counts(of: [.waiting, .running, .outgoing, .failed])
            let page = try taskStore.list(
                RecordFilter(states: [.failed]), .newestFirst, after: nil, limit: Self.deadLetters)
            let (now, patience) = (Date(), Self.patience)
            let unreadable = try taskStore.unreadable(
                dueBefore: now.advanced(by: patience), notedBefore: now.advanced(by: .zero - patience))
            let paused = Set(try taskStore.pauses().map(\.target))
            let limited = counts.limited
            var names = counts.names
            // A kind that is paused is shown although it has no task.
            for case .kind(let name) in paused where names[name] == nil { names[name] = [:] }
            return StoredTaskReport(
                names: names.sorted { $0.key < $1.key }.map { name, counts in
                    var kind = StoredTaskReport.Kind(name, counts)
                    kind.unreadable = unreadable[name]
                    kind.limited = limited[name]
                    kind.paused = paused.contains(.kind(name))
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

    func perform(_ action: TaskAction, on target: String, by who: String) throws -> TaskActionResult {
        try withTaskStore { taskStore in
            let origin = ActionOrigin(who: who)
            guard let id = RecordID(target) else {
                guard action.isForKinds, try isKind(target, in: taskStore) else { return .unknown }
                return try perform(action, on: .kind(target), by: origin, in: taskStore)
            }
            switch action {
            case .retry: return TaskActionResult(try taskStore.retry([id], by: origin).first)
            case .discard: return TaskActionResult(try taskStore.discard([id], by: origin).first)
            case .pause, .resume, .cancel:
                return try perform(action, on: .task(id), by: origin, in: taskStore)
            }
        }
    }

    private func perform(
        _ action: TaskAction, on target: ControlTarget, by origin: ActionOrigin,
        in taskStore: any RecordStore
    ) throws -> TaskActionResult {
        switch action {
        case .pause: TaskActionResult(try taskStore.pause(target.pause, by: origin))
        case .resume: TaskActionResult(try taskStore.resume(target.pause, by: origin))
        case .cancel: TaskActionResult(try taskStore.cancel(target, by: origin.who).result)
        case .retry, .discard: .unknown
        }
    }

    private func isKind(_ name: String, in taskStore: any RecordStore) throws -> Bool {
        try kinds.contains(name) || taskStore.counts(of: RecordState.allCases).names[name] != nil
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
    fileprivate init(_ result: RecordActionResult?) {
        self =
            switch result {
            case .changed, .requested: .changed
            case .unknown, nil: .unknown
            case .refused(let reason): .refused(reason)
            }
    }
}
