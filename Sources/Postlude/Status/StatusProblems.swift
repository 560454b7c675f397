internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem

/// Something that is wrong, as the page, `status`, the JSON and the metrics show it.
struct StatusProblem: Codable, Sendable, Hashable {
    /// The kinds. There is at most one problem of each.
    enum Kind: String, Codable, Sendable, CaseIterable {
        case serving
        case broker
        case taskStore = "task-store"
        case unreadableTasks = "unreadable-tasks"
        case errors
        case restarts
        case deadLetters = "dead-letters"
        case oldestTask = "oldest-task"
        case taskWorkers = "task-workers"

        /// Whether clients or tasks are affected now.
        var level: Level {
            switch self {
            case .serving, .broker, .taskStore, .unreadableTasks, .errors: .error
            case .restarts, .deadLetters, .oldestTask, .taskWorkers: .warning
            }
        }
    }

    enum Level: String, Codable, Sendable {
        case error, warning
    }

    var kind: Kind
    var level: Level
    /// A sentence without its full stop. It contains no times, which the reader shows in its own time zone.
    var text: String
    /// The time since which it has been so, in seconds since 1970; nil if it has no beginning.
    var since: Int?
    /// The time of the last event, in seconds since 1970; nil if the problem is not a number of events.
    var last: Int?
    /// The value that has reached the threshold: a count, a number of seconds, or a share from 0 to 1.
    var value: Double

    init(_ kind: Kind, _ text: String, since: Int? = nil, last: Int? = nil, value: Double) {
        (self.kind, level, self.text) = (kind, kind.level, text)
        (self.since, self.last, self.value) = (since, last, value)
    }
}

/// Finds what is wrong in a report's data. Computed once, on the server, so that everything that shows it agrees.
struct StatusProblems {
    private let board: ScoreboardSnapshot
    private let history: StatusHistory
    private let tasks: TaskInspectionPages.Answer?
    private let thresholds: Manifest.Status.Problems

    /// - Parameters:
    ///   - tasks: the durable tasks; nil if the application has none.
    init(
        in board: ScoreboardSnapshot, _ history: StatusHistory, _ tasks: TaskInspectionPages.Answer?,
        _ thresholds: Manifest.Status.Problems
    ) {
        (self.board, self.history, self.tasks, self.thresholds) = (board, history, tasks, thresholds)
    }

    /// The problems, the most urgent first.
    var all: [StatusProblem] {
        [
            serving, broker, taskStore, unreadableTasks, errors, restarts, deadLetters, oldestTask,
            taskWorkers,
        ].compactMap(\.self)
    }

    private var processes: [ScoreboardSnapshot.Process] { board.processes }

    // MARK: Processes

    private var serving: StatusProblem? {
        guard !processes.contains(where: { $0.state == .serving }) else { return nil }
        let states = ProcessState.allCases.compactMap { state in
            let count = processes.count { $0.state == state }
            return count > 0 ? "\(count) \(state.label)" : nil
        }
        let others = states.isEmpty ? "there is none" : states.joined(separator: ", ")
        return StatusProblem(.serving, "no process serves requests: \(others)", value: 0)
    }

    private var restarts: StatusProblem? {
        let deaths = history.counts(of: .fiveMinutes, before: board)?.deaths ?? 0
        guard deaths >= thresholds.restarts else { return nil }
        let text = "\(Self.count(deaths, "process has", "processes have")) died in the last 5 minutes"
        return StatusProblem(
            .restarts, text, last: history.lastDeath(before: board).map { time(ago: board.uptime - $0) },
            value: Double(deaths))
    }

    private var errors: StatusProblem? {
        guard let answers = history.counts(of: .minute, before: board)?.answers, answers.total > 0 else {
            return nil
        }
        let errors = answers[.serverError]
        let share = Double(errors) / Double(answers.total)
        guard errors > 0, share >= thresholds.errors else { return nil }
        let percent = Double(Int(share * 1000)) / 10
        let shown = percent >= 10 ? "\(Int(percent))" : "\(percent)"
        return StatusProblem(
            .errors, "\(shown) % of the responses of the last minute are 5xx: \(errors) of \(answers.total)",
            value: share)
    }

    // MARK: The broker and the task store

    private var broker: StatusProblem? {
        guard let age = processes.compactMap(\.brokerOutage).max(), age >= thresholds.outage else {
            return nil
        }
        let outgoing = tasks?.names.reduce(0) { $0 + $1.outgoing } ?? 0
        let waiting = outgoing > 0 ? "; \(Self.count(outgoing, "task waits", "tasks wait")) to be sent" : ""
        return StatusProblem(
            .broker, "the broker accepts no tasks\(waiting)", since: time(ago: age), value: age.seconds)
    }

    private var taskStore: StatusProblem? {
        let failing = processes.filter { $0.storeOutage ?? .zero >= thresholds.outage }
        let unread = tasks.flatMap { tasks in
            tasks.unreadable.flatMap { $0 >= thresholds.outage ? (age: $0, error: tasks.error ?? "") : nil }
        }
        let ages = failing.compactMap(\.storeOutage) + (unread.map { [$0.age] } ?? [])
        guard let age = ages.max() else { return nil }
        var text = "the task store cannot be used"
        if !failing.isEmpty {
            text += " by \(failing.count) of \(Self.count(processes.count, "process", "processes"))"
        }
        if let error = unread?.error, !error.isEmpty { text += ": \(error)" }
        return StatusProblem(.taskStore, text, since: time(ago: age), value: age.seconds)
    }

    // MARK: Tasks

    private var unreadableTasks: StatusProblem? {
        let kinds = (tasks?.names ?? []).compactMap { kind in kind.unreadable.map { (kind.name, count: $0) } }
        guard !kinds.isEmpty else { return nil }
        let count = kinds.reduce(0) { $0 + $1.count }
        let shown = Self.list(kinds.map { "\($0.0) \($0.count)" })
        return StatusProblem(
            .unreadableTasks,
            "\(Self.count(count, "task waits", "tasks wait")) for a version of the program that can read them: \(shown)",
            value: Double(count))
    }

    private var deadLetters: StatusProblem? {
        let kinds = (tasks?.names ?? []).filter { $0.failed > 0 }.sorted {
            ($1.failed, $0.name) < ($0.failed, $1.name)
        }
        let count = kinds.reduce(0) { $0 + $1.failed }
        guard count >= thresholds.deadLetters else { return nil }
        let shown = Self.list(kinds.map { "\($0.name) \($0.failed)" })
        return StatusProblem(
            .deadLetters, "\(Self.count(count, "dead letter", "dead letters")): \(shown)",
            last: tasks?.deadLetters.map(\.ended).max(), value: Double(count))
    }

    private var oldestTask: StatusProblem? {
        let inMemory = processes.compactMap { process in
            process.oldestWaiting.map { (age: $0.age, text: obstacle(of: $0, in: process)) }
        }
        var oldest = inMemory.max { $0.age < $1.age }
        if let age = tasks?.oldestWaitingAge, age > oldest?.age.seconds ?? 0 {
            let isFull = processes.allSatisfy { $0.state != .serving || $0.hasNoFreeTaskWorker }
            oldest = (
                .milliseconds(Int64(min(age, 1e9) * 1000)),
                isFull ? "behind the tasks that keep all workers busy" : "in the task store"
            )
        }
        guard let (age, text) = oldest, age >= thresholds.oldestTask else { return nil }
        return StatusProblem(
            .oldestTask, "the oldest task waits \(text)", since: time(ago: age), value: age.seconds)
    }

    /// Returns what a task of a process waits for.
    private func obstacle(
        of task: ScoreboardSnapshot.Waiting, in process: ScoreboardSnapshot.Process
    ) -> String {
        let running = process.workers.filter { $0.state == .tasks }
        let others: [ScoreboardSnapshot.Worker]
        switch task.reason {
        case .worker: others = running
        case .turn: others = running.filter { $0.tasksLeft > 0 }
        }
        guard let longest = others.max(by: { $0.since < $1.since }) else {
            return task.reason == .turn
                ? "for its response, in process \(process.pid)"
                : "for the worker of its request, in process \(process.pid)"
        }
        let name = longest.task.isEmpty ? "a task" : longest.task
        guard task.reason == .worker, running.count > 1 else {
            return "behind \(name) in process \(process.pid)"
        }
        return
            "behind \(running.count) running tasks in process \(process.pid), the longest of which is \(name)"
    }

    private var taskWorkers: StatusProblem? {
        let full = processes.compactMap { process in
            history.fullSince[StatusHistory.ProcessKey(process)].map { (process, age: board.uptime - $0) }
        }.filter { $0.0.hasNoFreeTaskWorker && $0.age >= thresholds.busyTime }
        guard let age = full.map(\.age).max(), let first = full.first?.0 else { return nil }
        let queued = full.reduce(0) { $0 + $1.0.tasksForWorker }
        let waiting = queued > 0 ? ", and \(Self.count(queued, "task waits", "tasks wait"))" : ""
        let pids = full.map { "\($0.0.pid)" }
        let text =
            full.count == 1
            ? "process \(first.pid): all \(first.taskSlots) workers that may run tasks are busy"
            : "processes \(Self.list(pids)): all workers that may run tasks are busy"
        return StatusProblem(.taskWorkers, text + waiting, since: time(ago: age), value: age.seconds)
    }

    // MARK: Text

    /// Returns the time that was `age` ago, in seconds since 1970. The same in each report, as long as the problem lasts.
    private func time(ago age: Duration) -> Int {
        board.started &+ Int((board.uptime - age).saturatedNanoseconds / 1_000_000_000)
    }

    private static func count(_ count: some BinaryInteger, _ one: String, _ many: String) -> String {
        "\(count) \(count == 1 ? one : many)"
    }

    private static func list(_ parts: [String]) -> String {
        parts.prefix(3).joined(separator: ", ") + (parts.count > 3 ? " and \(parts.count - 3) more" : "")
    }
}

extension ScoreboardSnapshot.Process {
    /// Whether every worker that may run tasks is busy with them.
    var hasNoFreeTaskWorker: Bool {
        taskSlots > 0 && workers.count { $0.state == .tasks } >= taskSlots
    }
}
