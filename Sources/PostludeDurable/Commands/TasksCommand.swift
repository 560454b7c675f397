internal import ArgumentParser
internal import Postlude
internal import PostludeManifest
internal import PostludeTaskStore

/// `tasks`: looks at the journal's tasks, and steers them.
struct TasksCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "tasks",
            abstract: "Look at the durable tasks, and steer them.",
            discussion: "Servers may run meanwhile: they are not held up.",
            subcommands: [
                TasksListCommand<App>.self, TasksShowCommand<App>.self, TasksRetryCommand<App>.self,
                TasksDiscardCommand<App>.self, TasksDrainCommand<App>.self, TasksExportCommand<App>.self,
                TasksRescheduleCommand<App>.self, TasksRestoreCommand<App>.self,
            ],
            defaultSubcommand: TasksListCommand<App>.self)
    }
}

/// Which journal.
struct JournalOptions: ParsableArguments {
    @OptionGroup var manifest: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp("The journal, without a look at the manifest.", valueName: "path"))
    var journal: String?

    /// Opens the journal as one who looks, and closes it again.
    ///
    /// - Throws: `ExitCode` 1, after the error has been printed.
    func withJournal<App: Application>(
        of application: App.Type, _ body: (Journal) throws -> Void
    ) throws {
        try reportingErrors {
            let journal = try Journal(path: try path(for: application), role: .visitor)
            defer { try? journal.close() }
            try body(journal)
        }
    }

    /// - Throws: where neither the command line nor the manifest names one.
    func path<App: Application>(for application: App.Type) throws -> String {
        if let journal { return journal }
        // The manifest of an application with durable tasks has one.
        guard let path = try manifest.load(for: application).journal?.path else {
            throw ValidationError("\(manifest.manifest) has no journal; say --journal PATH")
        }
        return path
    }
}

/// Prints what `body` throws, as the other commands do.
func reportingErrors(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let exit as ExitCode {
        throw exit
    } catch let mistake as ValidationError {
        throw mistake
    } catch {
        printError("\(programName): \(error)")
        throw ExitCode.failure
    }
}

/// Which of the journal's tasks.
struct FilterOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .upToNextOption,
        help: ArgumentHelp(
            "Only those that are \(RecordState.allCases.map(\.description).joined(separator: ", ")).",
            valueName: "state"),
        transform: {
            guard let state = RecordState($0) else {
                throw ValidationError(
                    "there is no state \($0), only \(RecordState.allCases.map(\.description).joined(separator: ", "))"
                )
            }
            return state
        })
    var state: [RecordState] = []

    @Option(name: .long, help: "Only those of this kind.")
    var name: String?

    @Option(
        name: .long, help: ArgumentHelp("Only those of this lane: high, normal or low.", valueName: "lane"),
        transform: {
            guard let lane = Lane($0) else {
                throw ValidationError("there is no lane \($0), only high, normal and low")
            }
            return lane
        })
    var lane: Lane?

    var filter: RecordFilter {
        RecordFilter(states: state.isEmpty ? nil : Set(state), name: name, lane: lane)
    }
}
