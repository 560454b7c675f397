internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Postlude
internal import PostludeLogOutput
internal import PostludeTaskStore

struct TasksListCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "list", abstract: "List tasks, newest first.",
            discussion: """
                A last line says how to see more. Times are in UTC. The state of a waiting task that is due and has a limit is `limited`: \
                `tasks limits` shows how many run.
                """)
    }

    @OptionGroup var options: TaskStoreOptions
    @OptionGroup var filter: FilterOptions

    @Option(name: .long, help: "How many at most.")
    var limit = 50

    @Flag(name: .long, help: "Print the tasks as JSON, with `next` for --after.")
    var json = false

    @Option(name: .long, help: "The end of the last page: a number that the command has printed.")
    var after: Int64?

    func validate() throws {
        guard (1...100_000).contains(limit) else {
            throw ValidationError("--limit is \(limit), expected 1 to 100000")
        }
    }

    func run() throws {
        try options.withTaskStore(of: App.self) { taskStore in
            let page = try taskStore.list(filter.filter, .newestFirst, after: after, limit: limit)
            if json { return try printOutput(try ListedTask.text(of: page)) }
            guard !page.records.isEmpty else { return try printNoTasks(in: taskStore) }
            let now = Date()
            let rows = page.records.map { record in
                [
                    record.id.text, record.name, record.shownState(at: now),
                    "\(record.attempts)", Self.shortened(record.progress?.shown ?? "-", to: 30),
                    Self.time(record.added), record.priority.description, record.queue ?? "-",
                    Self.shortened(record.error ?? "-"),
                ]
            }
            try printOutput(
                TextTable(
                    header: [
                        "ID", "NAME", "STATE", "ATTEMPTS", "PROGRESS", "ADDED", "PRIORITY", "QUEUE", "ERROR",
                    ],
                    rows: rows
                ))
            if let next = page.next { try printOutput("\nThere are more: --after \(next)") }
        }
    }

    /// Prints that there is no such task. An unknown name is an error: a mistyped one must not look like a kind without tasks.
    private func printNoTasks(in taskStore: any RecordStore) throws {
        guard let name = filter.name else { return try printOutput("There is no such task.") }
        let known = try knownKinds(in: taskStore)
        guard !known.contains(name) else { return try printOutput("There is no such task.") }
        let names = known.sorted().map(LogText.escaped).joined(separator: ", ")
        printError(
            """
            \(programName): there is no kind of tasks called \(LogText.escaped(name)); \
            \(names.isEmpty ? "the task store has no tasks" : "there are \(names)")
            """)
        throw ExitCode.failure
    }

    /// Returns the names of the application's kinds, and of all tasks in the task store.
    private func knownKinds(in taskStore: any RecordStore) throws -> Set<String> {
        try Set(DurableEngine.of(App.self).kinds.all.map(\.name)).union(
            taskStore.counts(of: RecordState.allCases).names.keys)
    }

    private static func time(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: false))
    }

    /// Returns one line of at most this number of characters.
    private static func shortened(_ text: String, to limit: Int = 60) -> String {
        let line = text.map { $0.isNewline ? " " : $0 }
        return line.count > limit ? String(line.prefix(limit - 1)) + "…" : String(line)
    }
}

extension RecordSummary {
    /// The state as people read it, with the reason for which it waits.
    fileprivate func shownState(at now: Date) -> String {
        if isPaused { return "paused" }
        return isLimited(at: now) ? "limited" : state.description
    }

    /// Whether it is due, and its limit may hold it back.
    fileprivate func isLimited(at now: Date) -> Bool {
        state == .waiting && owner == nil && limitKey != nil && due <= now
    }
}

extension RecordProgress {
    /// The progress as people read it: `40 % page 3 of 8`.
    fileprivate var shown: String {
        "\(Int(fraction * 100)) %" + (message.isEmpty ? "" : " \(message)")
    }
}

struct TasksShowCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show", abstract: "Show a task in full: its values, result and error.")
    }

    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The task's id.")
    var id: TaskIdentifier

    @Flag(name: .long, help: "Print the task as JSON.")
    var json = false

    func run() throws {
        try options.withTaskStore(of: App.self) { taskStore in
            guard let record = try taskStore.record(id.id) else {
                printError("\(programName): there is no task \(id.id), or it was removed")
                throw ExitCode.failure
            }
            if json { return try printOutput(try ListedTask(record).text) }
            let steps = try taskStore.steps(of: record.id)
            let limits = try AppliedLimits(of: App.self, options, in: taskStore)
            func text(_ date: Date?) -> String {
                date?.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) ?? "-"
            }
            let lines = [
                ("id", record.id.text), ("name", record.name),
                ("state", record.state.description + (record.isPaused ? ", paused" : "")),
                ("priority", record.priority.description), ("attempts", "\(record.attempts)"),
                ("deaths", "\(record.deaths)"), ("progress", record.progress?.shown ?? "-"),
                ("steps", steps.isEmpty ? "-" : steps.map(\.name).joined(separator: ", ")),
                ("request", "\(record.request), its task \(record.position + 1)"),
                ("route", record.route.isEmpty ? "-" : record.route),
                ("unique key", record.uniqueKey ?? "-"), ("queue", record.queue ?? "-"),
                ("limit", try limits.shown(for: record.summary, in: taskStore) ?? "-"),
                ("added", text(record.added)), ("due", text(record.due)), ("expires", text(record.expires)),
                ("started", text(record.started)), ("ended", text(record.ended)),
                ("values", String(decoding: record.payload, as: UTF8.self)),
                ("result", record.result.map { String(decoding: $0, as: UTF8.self) } ?? "-"),
                ("error", record.error ?? "-"),
            ]
            for (name, value) in lines {
                try printOutput(
                    name + String(repeating: " ", count: 12 - name.count) + LogText.escaped(value))
            }
        }
    }
}

struct TasksExportCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "export", abstract: "Print tasks as JSON, one per line, oldest first.")
    }

    @OptionGroup var options: TaskStoreOptions
    @OptionGroup var filter: FilterOptions

    func run() throws {
        // A reader may close the pipe early. Writing must then fail with EPIPE, instead of ending the process by a signal.
        signal(SIGPIPE, SIG_IGN)
        try options.withTaskStore(of: App.self) { taskStore in
            var output = LineBuffer()
            do {
                try taskStore.export(filter.filter) { try output.add($0) }
                try output.flush()
            } catch let error as OutputError {
                if error.code == EPIPE { return }
                throw error
            }
        }
    }
}

/// A buffer of lines for standard output.
private struct LineBuffer {
    private static let limit = 1 << 16
    private var bytes: [UInt8] = []

    mutating func add(_ line: String) throws {
        bytes += Array(line.utf8) + [UInt8(ascii: "\n")]
        if bytes.count >= Self.limit { try flush() }
    }

    mutating func flush() throws {
        try writeOutput(bytes)
        bytes.removeAll(keepingCapacity: true)
    }
}

/// A task's id as an argument.
struct TaskIdentifier: ExpressibleByArgument {
    let id: RecordID

    init?(argument: String) {
        guard let id = RecordID(argument) else { return nil }
        self.id = id
    }
}

/// A task as `tasks list --json` and `tasks show --json` print it, with the keys of `tasks export`.
struct ListedTask: Encodable {
    private let summary: RecordSummary
    private var payload: JSONValue?
    private var result: JSONValue?

    init(_ summary: RecordSummary) { self.summary = summary }

    init(_ record: Record) {
        summary = record.summary
        payload = Self.value(record.payload)
        result = record.result.map(Self.value)
    }

    /// Decodes JSON. Data that is not JSON becomes a string.
    private static func value(_ data: Data) -> JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: data))
            ?? .string(String(decoding: data, as: UTF8.self))
    }

    /// Returns the JSON of a page, with the start of the next one.
    static func text(of page: RecordPage) throws -> String {
        struct Page: Encodable {
            let tasks: [ListedTask]
            let next: Int64?
        }
        return try Self.text(of: Page(tasks: page.records.map(ListedTask.init), next: page.next))
    }

    var text: String { get throws { try Self.text(of: self) } }

    private static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private enum Key: String, CodingKey {
        case id, request, route, position, name, priority, state, added, due, expires, unique, attempts,
            started,
            ended,
            queue, limit, error, payload, progress, result, paused
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        func time(_ date: Date?) -> String? {
            date?.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        try container.encode(summary.id.text, forKey: .id)
        try container.encode(summary.request, forKey: .request)
        try container.encode(summary.route, forKey: .route)
        try container.encode(summary.position, forKey: .position)
        try container.encode(summary.name, forKey: .name)
        try container.encode(summary.priority.description, forKey: .priority)
        try container.encode(summary.state.description, forKey: .state)
        try container.encode(summary.attempts, forKey: .attempts)
        try container.encode(time(summary.added), forKey: .added)
        try container.encode(time(summary.due), forKey: .due)
        try container.encodeIfPresent(time(summary.expires), forKey: .expires)
        try container.encodeIfPresent(time(summary.started), forKey: .started)
        try container.encodeIfPresent(time(summary.ended), forKey: .ended)
        try container.encodeIfPresent(summary.uniqueKey, forKey: .unique)
        try container.encodeIfPresent(summary.queue, forKey: .queue)
        try container.encodeIfPresent(summary.limitText, forKey: .limit)
        try container.encodeIfPresent(summary.error, forKey: .error)
        if summary.isPaused { try container.encode(true, forKey: .paused) }
        try container.encodeIfPresent(
            summary.progress.map { DurableTaskStatus.Progress(fraction: $0.fraction, message: $0.message) },
            forKey: .progress)
        try container.encodeIfPresent(payload, forKey: .payload)
        try container.encodeIfPresent(result, forKey: .result)
    }
}
