internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Postlude
internal import PostludeManifest
internal import PostludeSystem
internal import PostludeTaskStore

struct TasksDrainCommand<App: Application>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "drain",
            abstract: "Run due tasks until none is left, without serving.",
            discussion: """
                For a machine that is being retired, or a task store without a server: it runs tasks that no other process has, \
                and waits for those that other processes run. Delayed tasks and dead letters stay. The exit status is 1 if \
                due tasks are left: after --within, or a signal. It then takes no more tasks, and finishes those that run \
                and the ones after them in their requests, within shutdown-grace.
                """)
    }

    @Option(name: .long, help: "The manifest, which names the task store.")
    var manifest = "routes.yaml"

    @Option(name: .long, help: "How many tasks run at once; by default the manifest's workers.min.")
    var workers: Int?

    @Option(
        name: .long,
        help: ArgumentHelp("The time limit; by default there is none.", valueName: "seconds"))
    var within: Double?

    func validate() throws {
        if let workers, !(1...1024).contains(workers) {
            throw ValidationError("--workers is \(workers), expected 1 to 1024")
        }
        if let within, !(0...1_000_000_000).contains(within) {
            throw ValidationError("--within is \(within), expected a number of seconds")
        }
    }

    func run() async throws {
        try await TaskProgram<App>.run(manifest: manifest) { program in
            guard let store = program.application.taskEngine?.parts.makeStore() as? DurableStore else {
                throw DurableTaskError.noEngine(task: "drain")
            }
            let pool = program.makeWorkers(store: store)
            try pool.start(workers: workers ?? program.manifest.workers.minimum)
            try store.open(draining: program.manifest, dispatch: pool, logger: program.logger)
            defer { store.close() }
            return try Draining(program, store, pool, within: within.map { .seconds($0) }).run()
        }
    }
}

/// One run of `drain`.
private struct Draining<App: Application> {
    private static var interval: Int32 { 50 }

    private let program: TaskProgram<App>
    private let store: DurableStore
    private let pool: TaskWorkerPool
    private let end: MonotonicTime?

    init(_ program: TaskProgram<App>, _ store: DurableStore, _ pool: TaskWorkerPool, within time: Duration?) {
        self.program = program
        self.store = store
        self.pool = pool
        end = time.map { .now + $0 }
    }

    /// - Returns: the exit status.
    func run() throws -> Int32 {
        while true {
            pool.checkTimeLimits { reason in
                program.logger.critical("a task cannot be stopped", metadata: ["reason": "\(reason)"])
            }
            let left = try store.unfinished()
            if left == 0, pool.isIdle {
                try printOutput("No due task is left.")
                return 0
            }
            if end.map({ $0 <= .now }) ?? false { return try stop("--within is over") }
            waitForInput([program.signals.descriptor, program.stop.descriptor], milliseconds: Self.interval)
            while let signal = program.signals.take() {
                if signal == SIGTERM || signal == SIGINT { return try stop("a signal arrived") }
            }
            if program.stop.take() { return try stop("the service was told to stop") }
        }
    }

    private func stop(_ reason: String) throws -> Int32 {
        let graceEnd = MonotonicTime.now + program.manifest.shutdownGrace
        pool.drain(until: graceEnd)
        store.drain()
        while !pool.isIdle, .now < graceEnd {
            waitForInput([program.signals.descriptor], milliseconds: Self.interval)
            if program.signals.take() != nil { break }
        }
        pool.logUnfinished()
        printError("\(programName): \(reason); due tasks that are not over: \(try store.unfinished())")
        return 1
    }
}
