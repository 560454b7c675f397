internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Postlude
internal import PostludeLogOutput
internal import PostludeSystem
internal import PostludeTaskStore

/// The options that select what is paused, resumed or cancelled.
struct ControlSelection: ParsableArguments {
    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The tasks' ids.")
    var ids: [TaskIdentifier] = []

    @Option(name: .long, help: "All tasks of this kind, instead of ids.")
    var name: String?

    @Option(name: .long, help: "With --name: only those with this unique key.")
    var unique: String?

    var isEmpty: Bool { ids.isEmpty && name == nil }

    func validate() throws {
        guard ids.isEmpty || name == nil else { throw ValidationError("Give ids or --name, not both.") }
        guard unique == nil || name != nil else { throw ValidationError("--unique requires --name.") }
    }

    func requireSome() throws {
        if isEmpty { throw ValidationError("Give ids, or --name for all tasks of a kind.") }
    }

    /// Returns what is selected.
    ///
    /// - Throws: ``UnknownKind`` if neither the application nor the task store has the kind.
    private func targets<App: Application>(
        of application: App.Type, in taskStore: any RecordStore
    ) throws -> [ControlTarget] {
        guard let name else { return ids.map { .task($0.id) } }
        let own = try DurableEngine.of(application).kinds.all.map(\.name)
        if !own.contains(name) {
            let stored = try taskStore.counts(of: RecordState.allCases).names.keys
            guard stored.contains(name) else {
                throw UnknownKind(name: name, known: Set(own).union(stored).sorted())
            }
        }
        return [unique.map { .key($0, name: name) } ?? .kind(name)]
    }

    /// Changes what is selected, and prints the result for each.
    ///
    /// - Parameter change: returns what was done; nil if nothing was, for the reason of the result.
    /// - Throws: `ExitCode` 1 if something was not changed.
    func perform<App: Application>(
        in application: App.Type,
        _ change: (any RecordStore, ControlTarget) throws -> (done: String?, result: RecordActionResult)
    ) throws {
        try options.withTaskStore(of: application) { taskStore in
            var isWhole = true
            for target in try targets(of: application, in: taskStore) {
                let text = LogText.escaped(target.text)
                let (done, result) = try change(taskStore, target)
                if let done {
                    try printOutput("\(text) \(done)")
                    continue
                }
                isWhole = false
                switch result {
                case .refused(let reason): printError("\(programName): \(text) stays unchanged: \(reason)")
                default: printError("\(programName): there is no task \(text) that is not over")
                }
            }
            if !isWhole { throw ExitCode.failure }
        }
    }
}

struct TasksPauseCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "pause", abstract: "Hold tasks back until they are resumed.",
            discussion: """
                A kind, the tasks of a kind with a unique key, or single tasks. Running tasks go on. The pause lasts across \
                restarts. Without arguments: list what is paused.
                """)
    }

    @OptionGroup var selection: ControlSelection

    @Flag(name: .long, help: "Without arguments: print what is paused as JSON.")
    var json = false

    func validate() throws {
        guard !json || selection.isEmpty else {
            throw ValidationError("--json lists what is paused: leave ids and --name out.")
        }
    }

    func run() throws {
        if selection.isEmpty { return try list() }
        try selection.perform(in: App.self) { taskStore, target in
            let result = try taskStore.pause(target.pause, by: .ofCommandLine)
            return (result == .changed ? "is paused" : nil, result)
        }
    }

    private func list() throws {
        try selection.options.withTaskStore(of: App.self) { taskStore in
            let pauses = try taskStore.pauses()
            if json { return try printOutput(try ListedPause.text(of: pauses)) }
            guard !pauses.isEmpty else { return try printOutput("Nothing is paused.") }
            let rows = pauses.map { pause in
                [
                    LogText.escaped(pause.target.description), pause.since.ISO8601Format(),
                    LogText.escaped(pause.who),
                ]
            }
            try printOutput(TextTable(header: ["PAUSED", "SINCE", "BY"], rows: rows))
        }
    }
}

/// What is paused, as `tasks pause --json` prints it: a kind, the tasks of a kind with a key, or a task.
private struct ListedPause: Encodable {
    var name: String?
    var unique: String?
    var id: String?
    let since: String
    let who: String

    private struct Page: Encodable {
        let paused: [ListedPause]
    }

    init(_ pause: RecordPause) {
        switch pause.target {
        case .kind(let name): self.name = name
        case .key(let key, let name): (self.name, unique) = (name, key)
        case .record(let id): self.id = id.text
        }
        (since, who) = (pause.since.ISO8601Format(), pause.who)
    }

    static func text(of pauses: [RecordPause]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Page(paused: pauses.map(ListedPause.init))), as: UTF8.self)
    }
}

struct TasksResumeCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "resume", abstract: "Let paused tasks run.",
            discussion: "What was paused as a kind or a key is resumed as that.")
    }

    @OptionGroup var selection: ControlSelection

    func run() throws {
        try selection.requireSome()
        try selection.perform(in: App.self) { taskStore, target in
            let result = try taskStore.resume(target.pause, by: .ofCommandLine)
            return (result == .changed ? "is resumed" : nil, result)
        }
    }
}

struct TasksCancelCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "cancel", abstract: "Cancel tasks that wait or run.",
            discussion: """
                Single tasks, the task of a kind with a unique key, or all tasks of a kind that are not over, with the tasks that \
                run only if they succeed. A running task is told within a second, and ends as cancelled when it returns.
                """)
    }

    @OptionGroup var selection: ControlSelection

    func run() throws {
        try selection.requireSome()
        try selection.perform(in: App.self) { taskStore, target in
            let (count, result) = try taskStore.cancel(target, by: ActionOrigin.ofCommandLine.who)
            guard count > 0 else { return (nil, result) }
            switch target {
            case .kind: return ("has \(count) tasks that are cancelled", result)
            case .key, .task:
                return (result == .requested ? "is told to end" : "is cancelled", result)
            }
        }
    }
}

struct TasksActionsCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "actions", abstract: "List who has changed tasks, newest first.",
            discussion: "The last \(RecordedAction.limit) changes are kept. Times are in UTC.")
    }

    @OptionGroup var options: TaskStoreOptions

    @Option(name: .long, help: "How many at most.")
    var limit = 50

    @Option(name: .long, help: "The end of the last page: a number that the command has printed.")
    var after: Int64?

    @Flag(name: .long, help: "Print the actions as JSON, with `next` for --after.")
    var json = false

    func validate() throws {
        guard (1...RecordedAction.limit).contains(limit) else {
            throw ValidationError("--limit is \(limit), expected 1 to \(RecordedAction.limit)")
        }
    }

    func run() throws {
        try options.withTaskStore(of: App.self) { taskStore in
            // One more, to know whether there is a next page.
            var actions = try taskStore.actions(before: after, limit: limit + 1)
            let hasMore = actions.count > limit
            if hasMore { actions.removeLast() }
            let next = hasMore ? actions.last?.number : nil
            if json { return try printOutput(try ListedAction.text(of: actions, next: next)) }
            guard !actions.isEmpty else { return try printOutput("No task was changed.") }
            let rows = actions.map { action in
                [
                    action.time.ISO8601Format(), LogText.escaped(action.who), action.action,
                    LogText.escaped(action.target), LogText.escaped(action.result),
                ]
            }
            try printOutput(TextTable(header: ["TIME", "WHO", "ACTION", "TARGET", "RESULT"], rows: rows))
            if let next { try printOutput("\nThere are more: --after \(next)") }
        }
    }
}

/// An action as `tasks actions --json` prints it.
private struct ListedAction: Encodable {
    let time: String
    let who: String
    let action: String
    let target: String
    let result: String

    private struct Page: Encodable {
        let actions: [ListedAction]
        let next: Int64?
    }

    static func text(of actions: [RecordedAction], next: Int64?) throws -> String {
        let listed = actions.map { action in
            ListedAction(
                time: action.time.ISO8601Format(), who: action.who, action: action.action,
                target: action.target, result: action.result)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Page(actions: listed, next: next)), as: UTF8.self)
    }
}

extension ActionOrigin {
    /// The user of the command line: the one who has called sudo, or else that of the process.
    static var ofCommandLine: ActionOrigin {
        let caller = getenv("SUDO_USER").map { String(cString: $0) } ?? ""
        return ActionOrigin(who: caller.isEmpty ? userName(getuid()) ?? "user \(getuid())" : caller)
    }
}
