internal import FoundationEssentials
internal import Logging
internal import PostludeLogOutput
internal import PostludeSystem

/// A cache of the report on the application's durable tasks, which reads the task store at most once a second.
final class TaskInspectionPages: Sendable {
    /// The part of the status report about durable tasks. If the task store could not be read, it has an error, and the
    /// figures of the last time.
    struct Answer: Codable, Sendable {
        /// The library that stores the tasks, with its version.
        var library: String
        var names: [StoredTaskReport.Kind] = []
        /// What is paused, the oldest pause first.
        var pauses: [StoredTaskReport.Pause] = []
        /// The last changes that were requested, the newest one first.
        var actions: [StoredTaskReport.Action] = []
        var oldestAge: Double?
        var oldestWaitingAge: Double?
        /// The newest dead letters; ``TaskInspectionPages/deadLetters(inGroup:after:)`` returns the others.
        var deadLetters: [StoredTaskReport.DeadLetter] = []
        /// The largest groups of dead letters.
        var groups: [DeadLetterGroups.Group] = []
        /// Whether the reader may change tasks.
        var allowsActions: Bool
        /// The time at which the task store was read, in seconds since 1970; nil if it never was.
        var read: Int?
        /// The reason why the task store could not be read since then.
        var error: String?
        /// For how long the task store could not be read; nil if it can. Not part of the JSON.
        var unreadable: Duration?

        enum CodingKeys: String, CodingKey {
            case library, names, pauses, actions, read, error
            case oldestAge = "oldest age"
            case oldestWaitingAge = "oldest waiting age"
            case deadLetters = "dead letters"
            case groups = "dead letter groups"
            case allowsActions = "task actions"
        }
    }

    /// The number of groups in a report.
    static let groupLimit = 50
    /// The number of dead letters that are grouped, or searched for a page of a group.
    static let scanned = 10_000
    /// The number of dead letters from which on a page ends.
    static let pageSize = 50
    /// The numbers of dead letters that are read at a time, to group them, and to find those of a group.
    private static let batch = 500
    private static let groupBatch = 100
    /// How long groups are kept if the numbers of dead letters do not change: the store has no index by error.
    private static let groupTime = Duration.seconds(10)
    /// A read that takes longer is shown as an error.
    private static let longestRead = Duration.seconds(3)

    let allowsActions: Bool
    private let inspector: any TaskInspector
    private let logger: Logger
    private let state = Lock(State())

    private struct State {
        var answer: Answer?
        /// The time of the next read.
        var next = MonotonicTime.now
        /// The beginning of the current read; nil if there is none.
        var readingSince: MonotonicTime?
        /// The beginning of the first read that has failed; nil if the last one has succeeded.
        var failingSince: MonotonicTime?
        /// The number of commands so far: a report that was read before the last one is outdated.
        var actions = 0
        var grouping: Grouping?
    }

    /// The groups, and what they depend on.
    private struct Grouping {
        var groups: [DeadLetterGroups.Group]
        let counts: [String: Int]
        let actions: Int
        let end: MonotonicTime
    }

    init(_ inspector: any TaskInspector, allowsActions: Bool, logger: Logger) {
        self.inspector = inspector
        self.allowsActions = allowsActions
        self.logger = logger
    }

    /// The current report. One request reads the store, and others do not wait for it, so that a disk that hangs does not
    /// block the pages.
    var answer: Answer {
        let (known, actions, grouping) = state.withLock { state -> (Answer?, Int, Grouping?) in
            if state.readingSince != nil || MonotonicTime.now < state.next { return (shown(state), 0, nil) }
            state.readingSince = .now
            return (nil, state.actions, state.grouping)
        }
        if let known { return known }
        let result = Result { try read(actions, grouping) }
        return state.withLock { state in
            let since = state.readingSince ?? .now
            state.readingSince = nil
            switch result {
            case .success(let (answer, grouping)):
                (state.answer, state.grouping, state.failingSince) = (answer, grouping, nil)
            case .failure(let error):
                let text = LoggedError.text(error)
                if state.failingSince == nil {
                    logger.error(
                        "the status pages cannot read the stored tasks", metadata: ["error": "\(text)"])
                }
                state.failingSince = state.failingSince ?? since
                var answer = state.answer ?? empty
                answer.error = text
                state.answer = answer
            }
            if state.actions == actions { state.next = .now + .seconds(1) }
            return shown(state)
        }
    }

    private func shown(_ state: State) -> Answer {
        guard var answer = state.answer else {
            var answer = empty
            answer.error = "they are being read"
            answer.unreadable = state.readingSince.map { .now - $0 }
            return answer
        }
        answer.unreadable = state.failingSince.map { .now - $0 }
        if let since = state.readingSince, MonotonicTime.now - since > Self.longestRead {
            answer.error = answer.error ?? "it does not answer"
            answer.unreadable = answer.unreadable ?? .now - since
        }
        return answer
    }

    private var empty: Answer { Answer(library: inspector.library, allowsActions: allowsActions) }

    private func read(_ actions: Int, _ known: Grouping?) throws -> (Answer, Grouping?) {
        let report = try inspector.report()
        let grouping = try grouping(of: report, actions, known)
        var answer = empty
        (answer.names, answer.deadLetters) = (report.names, report.deadLetters)
        (answer.pauses, answer.actions) = (report.pauses, report.actions)
        (answer.oldestAge, answer.oldestWaitingAge) = (report.oldestAge, report.oldestWaitingAge)
        answer.groups = grouping?.groups ?? []
        answer.read = Int(Date().timeIntervalSince1970)
        return (answer, grouping)
    }

    /// - Returns: nil if there are no dead letters.
    private func grouping(
        of report: StoredTaskReport, _ actions: Int, _ known: Grouping?
    ) throws -> Grouping? {
        let failed = report.names.filter { $0.failed > 0 }.map { ($0.name, $0.failed) }
        let counts = Dictionary(failed) { $0 + $1 }
        guard !counts.isEmpty else { return nil }
        if let known, known.counts == counts, known.actions == actions, known.end > .now { return known }
        var groups = DeadLetterGroups()
        try scan(after: nil) { letter, _ in
            groups.add(letter)
            return true
        }
        return Grouping(
            groups: Array(groups.all.prefix(Self.groupLimit)), counts: counts, actions: actions,
            end: .now + Self.groupTime)
    }

    /// Returns a page of dead letters, those that were added last first.
    ///
    /// - Parameters:
    ///   - group: the id of a group; nil for all dead letters.
    ///   - after: the `next` of the previous page; nil for the first one.
    /// - Returns: `pageSize` dead letters, some more in a group, or fewer if there are no more, or if `scanned` were searched.
    func deadLetters(inGroup group: String?, after: Int64?) throws -> DeadLetterPage {
        var page = DeadLetterPage(deadLetters: [], next: nil)
        page.next = try scan(after: after, batch: group == nil ? Self.pageSize : Self.groupBatch) {
            letter, count in
            if group.map({ $0 == DeadLetterGroups.group(of: letter) }) ?? true {
                page.deadLetters.append(letter)
            }
            return count > 0 || page.deadLetters.count < Self.pageSize
        }
        return page
    }

    /// Calls `body` with each dead letter, in batches, until all were scanned, or until it returns false for the last one of
    /// a batch.
    ///
    /// - Parameters:
    ///   - after: the `next` of an earlier page.
    ///   - body: its second parameter is the number of dead letters that follow in the batch.
    /// - Returns: the `next` of the last batch; nil if there are no more dead letters.
    @discardableResult
    private func scan(
        after: Int64?, batch: Int = batch, _ body: (StoredTaskReport.DeadLetter, Int) -> Bool
    ) throws -> Int64? {
        var (next, left) = (after, Self.scanned)
        repeat {
            let page = try inspector.deadLetters(after: next, limit: batch)
            next = page.next
            left -= max(1, page.deadLetters.count)
            var goesOn = true
            for (index, letter) in page.deadLetters.enumerated() {
                goesOn = body(letter, page.deadLetters.count - 1 - index)
            }
            if !goesOn { break }
        } while next != nil && left > 0
        return next
    }

    func find(_ id: String) throws -> FoundTasks { try inspector.find(id) }

    /// - Parameter key: with the name of a kind as the target: only the tasks with this unique key; nil for all of them.
    func perform(
        _ action: TaskAction, on target: String, key: String? = nil, by who: String
    ) throws -> TaskActionResult {
        let result = try inspector.perform(action, on: target, key: key, by: who)
        var metadata: Logger.Metadata = [
            "action": "\(action)", "target": "\(target)", "result": "\(result)", "user": "\(who)",
        ]
        if let key { metadata["key"] = "\(key)" }
        logger.notice("tasks were changed on the status page", metadata: metadata)
        // The next page reads the store again, so that the operator sees the effect of the command.
        state.withLock { state in
            state.actions += 1
            state.next = .now
        }
        return result
    }
}
