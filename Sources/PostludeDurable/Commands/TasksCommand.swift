package import ArgumentParser
package import Postlude
internal import PostludeManifest
internal import PostludeTaskStore

/// The command `tasks`, which inspects and changes the tasks in the task store.
struct TasksCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "tasks",
            abstract: "Inspect, add, pause, cancel, retry and discard durable tasks.",
            discussion: "Servers may run meanwhile, and are not delayed.",
            subcommands: [
                TasksListCommand<App>.self, TasksShowCommand<App>.self, TasksAddCommand<App>.self,
                TasksRetryCommand<App>.self, TasksDiscardCommand<App>.self, TasksPauseCommand<App>.self,
                TasksResumeCommand<App>.self, TasksCancelCommand<App>.self, TasksLimitsCommand<App>.self,
                TasksActionsCommand<App>.self,
                TasksDrainCommand<App>.self,
                TasksExportCommand<App>.self,
                TasksRescheduleCommand<App>.self, TasksRestoreCommand<App>.self,
                TasksMigrateCommand<App>.self,
            ],
            defaultSubcommand: TasksListCommand<App>.self)
    }
}

/// The options that name the task store.
struct TaskStoreOptions: ParsableArguments {
    @OptionGroup var manifest: ManifestOptions

    @Option(
        name: .long,
        help: ArgumentHelp("The task store, without reading the manifest.", valueName: "place"))
    var taskStore: String?

    /// Opens the task store as a visitor, calls `body`, and closes it again.
    ///
    /// - Throws: `ExitCode` 1, after the error has been printed.
    func withTaskStore<App: Application>(
        of application: App.Type, _ body: (any RecordStore) throws -> Void
    ) throws {
        try reportingErrors {
            let place = try place(for: application)
            let driver = try DurableEngine.of(application).driver
            let taskStore = try driver.open(place, role: .visitor, settings: TaskStoreSettings())
            defer { try? taskStore.close() }
            try body(taskStore)
        }
    }

    /// - Throws: `ValidationError` if neither the command line nor the manifest names a task store.
    func place<App: Application>(for application: App.Type) throws -> String {
        let engine = try DurableEngine.of(application)
        if let taskStore {
            guard engine.isInApplicationDatabase else { return taskStore }
            throw ValidationError(
                "the tasks are in the application's database, which its code names; leave --task-store out")
        }
        if engine.isInApplicationDatabase { return "" }
        // The manifest of an application with durable tasks has one.
        guard let path = try manifest.load(for: application).taskStore?.path else {
            throw ValidationError("\(manifest.manifest) has no task store; give --task-store PATH")
        }
        return path
    }
}

/// Calls `body`. Prints an error that it throws in the same way as the other commands.
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

/// The options that select tasks.
struct FilterOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .upToNextOption,
        help: ArgumentHelp(
            "Only tasks in this state: \(RecordState.allCases.map(\.description).joined(separator: ", ")).",
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

    @Option(name: .long, help: "Only tasks of this kind.")
    var name: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Only tasks of this priority: high, normal or low.", valueName: "priority"),
        transform: {
            guard let priority = RecordPriority($0) else {
                throw ValidationError("there is no priority \($0), only high, normal and low")
            }
            return priority
        })
    var priority: RecordPriority?

    var filter: RecordFilter {
        RecordFilter(states: state.isEmpty ? nil : Set(state), name: name, priority: priority)
    }
}

extension DurableEngine {
    /// Returns the engine of an application that has durable tasks.
    static func of<App: Application>(_ application: App.Type) throws -> DurableEngine {
        guard let engine = application.init().taskEngine?.parts as? DurableEngine else {
            throw ValidationError("the application has no durable tasks")
        }
        return engine
    }

    package func commands<App: Application>(for application: App.Type) -> [any ParsableCommand.Type] {
        [TasksCommand<App>.self] + (broker?.parts.commands(for: application) ?? [])
    }
}
