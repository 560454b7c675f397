internal import ArgumentParser
internal import Postlude
internal import PostludeTaskStore

struct TasksRestoreCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "restore",
            abstract: "Put a backup of the task store in its place.",
            discussion: """
                No server may run. The backup is checked and copied, and stays. The task store that was there is kept beside \
                the new one, with its WAL, under a name that the command prints. What was done since the backup runs again.
                """)
    }

    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The backup.")
    var file: String

    func run() throws {
        try reportingErrors {
            let kept = try SQLiteTaskStore.restore(file, to: try options.path(for: App.self))
            print("The task store is restored from \(file).")
            if let kept { print("The one before is \(kept).") }
        }
    }
}
