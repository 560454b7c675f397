internal import FoundationEssentials
internal import Postlude
internal import PostludeManifest
internal import PostludeTaskStore

/// The status pages' access to a task store, as a visitor. It opens the task store for each call, because that may not exist
/// yet, or may be replaced by a backup.
struct TaskStoreInspector: TaskInspector {
    /// The maximum number of dead letters in a report.
    static let deadLetters = 20
    /// The number of changes in a report.
    static let actions = 10
    /// How many of the last changes are searched for those of a task.
    private static let searchedActions = 1000
    /// How long a search for a request's tasks may take.
    private static let searchTime = Duration.seconds(1)
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
            let pauses = try taskStore.pauses()
            let paused = Set(pauses.map(\.target))
            let limited = counts.limited
            var names = counts.names
            // A kind that is paused is shown although it has no task.
            for case .kind(let name) in paused where names[name] == nil { names[name] = [:] }
            var report = StoredTaskReport(
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
            report.pauses = pauses.map(StoredTaskReport.Pause.init)
            report.actions = try taskStore.actions(before: nil, limit: Self.actions).map(
                StoredTaskReport.Action.init)
            return report
        }
    }

    func find(_ id: String) throws -> FoundTasks {
        try withTaskStore { taskStore in
            var found = FoundTasks()
            var records: [RecordSummary] = []
            if let id = RecordID(id), let record = try taskStore.record(id) {
                records = [record.summary]
            } else if !id.utf8.contains(0) {
                let ofRequest = try taskStore.search(request: id, within: Self.searchTime)
                (records, found.isComplete) = (ofRequest.records, ofRequest.isComplete)
            }
            guard !records.isEmpty else { return found }
            let actions = try taskStore.actions(before: nil, limit: Self.searchedActions)
            found.tasks = try records.compactMap { try FoundTasks.Task($0.id, actions, in: taskStore) }
            return found
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

    func perform(
        _ action: TaskAction, on target: String, key: String?, by who: String
    ) throws -> TaskActionResult {
        try withTaskStore { taskStore in
            let origin = ActionOrigin(who: who)
            guard key == nil, let id = RecordID(target) else {
                guard action.isForKinds, try isKind(target, in: taskStore) else { return .unknown }
                let target = key.map { ControlTarget.key($0, name: target) } ?? .kind(target)
                return try perform(action, on: target, by: origin, in: taskStore)
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

extension StoredTaskReport.Pause {
    fileprivate init(_ pause: RecordPause) {
        self.init(name: nil, since: Int(pause.since.timeIntervalSince1970), who: pause.who)
        switch pause.target {
        case .kind(let name): self.name = name
        case .key(let key, let name): (self.name, self.key) = (name, key)
        case .record(let id): self.id = id.text
        }
    }
}

extension StoredTaskReport.Action {
    fileprivate init(_ action: RecordedAction) {
        self.init(
            time: Int(action.time.timeIntervalSince1970), who: action.who, action: action.action,
            target: action.target, result: action.result)
    }
}

extension FoundTasks.Task {
    /// - Returns: nil if the task was removed meanwhile.
    fileprivate init?(
        _ id: RecordID, _ actions: [RecordedAction], in taskStore: any RecordStore
    ) throws {
        guard let record = try taskStore.record(id) else { return nil }
        self.init(
            id: id.text, name: record.name, state: record.state.description, request: record.request,
            position: record.position, priority: record.priority.description, attempts: record.attempts,
            deaths: record.deaths, added: record.added.timeIntervalSince1970,
            due: record.due.timeIntervalSince1970)
        isPaused = record.isPaused
        isOver = record.state.isOver
        // A task that waits for its next attempt has no owner: a process that has it is about to begin it.
        isHeld = record.owner != nil
        route = record.route.isEmpty ? nil : record.route
        (key, queue, limit) = (record.uniqueKey, record.queue, record.limitText)
        (expires, started) = (
            record.expires?.timeIntervalSince1970, record.started?.timeIntervalSince1970
        )
        (ended, error) = (record.ended?.timeIntervalSince1970, record.error)
        stoppedBy = record.stoppedBy?.text
        progress = record.progress.map { FoundTasks.Progress(fraction: $0.fraction, message: $0.message) }
        failures = try taskStore.failures(of: id).map {
            FoundTasks.Failure(
                attempt: $0.attempt, started: $0.started.timeIntervalSince1970, error: $0.error)
        }
        steps = try taskStore.steps(of: id).map(\.name)
        self.actions = actions.filter { $0.target.contains(id.text) }.map(StoredTaskReport.Action.init)
        values = String(decoding: record.payload, as: UTF8.self)
        result = record.result.map { String(decoding: $0, as: UTF8.self) }
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
