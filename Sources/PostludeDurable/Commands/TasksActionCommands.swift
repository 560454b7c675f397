internal import ArgumentParser
internal import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

/// The options that select the tasks to change: ids, or all dead letters.
struct TaskSelection: ParsableArguments {
    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The tasks' ids.")
    var ids: [TaskIdentifier] = []

    @Flag(name: .long, help: "All dead letters, instead of ids.")
    var failed = false

    @Option(name: .long, help: "With --failed: only those of this kind.")
    var name: String?

    func validate() throws {
        guard ids.isEmpty == failed else {
            throw ValidationError("Give ids, or --failed for all dead letters.")
        }
        guard name == nil || failed else { throw ValidationError("--name requires --failed.") }
    }

    /// Changes the selected tasks, page by page, and prints the result for each.
    ///
    /// - Throws: `ExitCode` 1 if a task was not changed.
    func perform<App: Application>(
        in application: App.Type, saying changed: String,
        _ change: (any RecordStore, [RecordID]) throws -> [RecordActionResult]
    ) throws {
        try options.withTaskStore(of: application) { taskStore in
            var isWhole = true
            func apply(_ ids: [RecordID]) throws {
                for (id, result) in zip(ids, try change(taskStore, ids)) {
                    switch result {
                    case .changed, .requested: try printOutput("\(id) \(changed)")
                    case .unknown:
                        isWhole = false
                        printError("\(programName): there is no task \(id), or it was removed")
                    case .refused(let reason):
                        isWhole = false
                        printError("\(programName): \(id) stays unchanged: \(reason)")
                    }
                }
            }
            try apply(ids.map(\.id))
            var next: Int64?
            repeat {
                guard failed else { break }
                // Oldest first: the tasks that a dead letter has stopped are changed with it.
                let page = try taskStore.list(
                    RecordFilter(states: [.failed], name: name), .oldestFirst, after: next, limit: 200)
                try apply(page.records.map(\.id))
                next = page.next
            } while next != nil
            if !isWhole { throw ExitCode.failure }
        }
    }
}

struct TasksRetryCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "retry", abstract: "Run tasks once more, with all of their attempts.",
            discussion: """
                For dead letters and other tasks that are over. A task that waits for its next attempt runs at once. Tasks \
                that depend on a dead letter run after it. A server takes them within a second; without a server they \
                wait.
                """)
    }

    @OptionGroup var selection: TaskSelection

    func run() throws {
        try selection.perform(in: App.self, saying: "runs again") { try $0.retry($1, by: .ofCommandLine) }
    }
}

struct TasksDiscardCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "discard", abstract: "Discard tasks that are no longer wanted.",
            discussion: """
                Tasks that wait, that are to be sent to a broker, or that are dead letters, and with them the tasks that run \
                only if they succeed. Running tasks stay.
                """)
    }

    @OptionGroup var selection: TaskSelection

    func run() throws {
        try selection.perform(in: App.self, saying: "is discarded") { try $0.discard($1, by: .ofCommandLine) }
    }
}

struct TasksRescheduleCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "reschedule",
            abstract: "Make a schedule that has fired for a future time continue from now.",
            discussion: """
                For a clock that was ahead when the schedule fired: the schedule would wait until that time. Servers apply the \
                change within a second. They make it themselves if the clock was set back by more than three hours.
                """)
    }

    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The schedule's name in the manifest.")
    var name: String

    func run() throws {
        try options.withTaskStore(of: App.self) { taskStore in
            let now = Date()
            // The key in the task store is the name, the cron expression and the time zone.
            let schedules = try taskStore.schedules().filter { $0.schedule.hasPrefix(name + " ") }
            guard !schedules.isEmpty else {
                printError("\(programName): no schedule \(name) has begun")
                throw ExitCode.failure
            }
            let ahead = try schedules.filter { try taskStore.restartSchedule($0.schedule, at: now) }
            guard !ahead.isEmpty else {
                return try printOutput(
                    "The schedule \(name) has not fired for a future time; it stays unchanged.")
            }
            for (_, last) in ahead {
                try printOutput("The schedule \(name) continues from now; it was at \(last.ISO8601Format()).")
            }
        }
    }
}

struct TasksRestoreCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "restore",
            abstract: "Replace the task store by a backup.",
            discussion: """
                No server may run. The backup is checked and copied, and stays. The previous task store is kept beside the \
                new one, with its WAL, under a name that the command prints. Tasks that have run since the backup run again.
                """)
    }

    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The backup.")
    var file: String

    func run() throws {
        try reportingErrors {
            let driver = try DurableEngine.of(App.self).driver
            let previous = try driver.restore(file, to: try options.place(for: App.self))
            try printOutput("The task store is restored from \(file).")
            if let previous { try printOutput("The previous one is \(previous).") }
        }
    }
}

struct TasksMigrateCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "migrate",
            abstract: "Bring the task store's tables to the version of this program.",
            discussion: """
                Servers do this at their start, if their role may change tables. Where it may not, run this command as a role that \
                may, before the new version is started; or apply what --print prints. Earlier versions of the program do not run \
                afterwards.
                """)
    }

    @OptionGroup var options: TaskStoreOptions

    @Flag(name: .long, help: "Print the SQL that is still to be applied, and change nothing.")
    var print = false

    func run() throws {
        try reportingErrors {
            let driver = try DurableEngine.of(App.self).driver
            let place = try options.place(for: App.self)
            guard !print else {
                let sql = try driver.pendingMigrations(of: place)
                return try printOutput(sql.isEmpty ? "-- The tables are of this version." : sql)
            }
            let applied = try driver.migrate(place)
            for name in applied { try printOutput("Applied: \(name)") }
            if applied.isEmpty { try printOutput("The tables are of this version.") }
        }
    }
}
