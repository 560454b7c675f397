internal import ArgumentParser
internal import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

struct TasksRescheduleCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "reschedule",
            abstract: "Have a schedule that has fired for a time to come go on from now.",
            discussion: """
                For a clock that was ahead when the schedule fired: it would wait until that time has come. Servers go on \
                within a second. They do so by themselves if the clock was set back by more than three hours.
                """)
    }

    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The schedule's name in the manifest.")
    var name: String

    func run() throws {
        try options.withTaskStore(of: App.self) { taskStore in
            let now = Date()
            // The task store's name is followed by the times and the zone.
            let schedules = try taskStore.schedules().filter { $0.schedule.hasPrefix(name + " ") }
            guard !schedules.isEmpty else {
                printError("\(programName): no schedule \(name) has begun")
                throw ExitCode.failure
            }
            let ahead = try schedules.filter { try taskStore.restartSchedule($0.schedule, at: now) }
            guard !ahead.isEmpty else {
                return print("The schedule \(name) has fired for no time to come; it stays as it is.")
            }
            for (_, last) in ahead {
                print("The schedule \(name) goes on from now; it was at \(last.ISO8601Format()).")
            }
        }
    }
}
