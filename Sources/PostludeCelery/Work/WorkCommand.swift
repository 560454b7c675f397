internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Postlude
internal import PostludeBroker
internal import PostludeDurable
internal import PostludeManifest
internal import PostludeSystem

/// The subcommand `work`, which runs the durable tasks of a broker's queue.
struct WorkCommand<App: Application>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "work",
            abstract: "Run the durable tasks of a broker's queue.",
            discussion: """
                Consumes a queue of the manifest's celery.broker: messages that this application has sent from any machine, \
                and those of any Celery producer that names one of its durable tasks and gives the task's members as \
                named arguments. A message is acknowledged when its task has succeeded. If the task fails for good, or \
                cannot run here, the message is rejected: RabbitMQ routes it to the queue's dead-letter exchange; on \
                Redis it is in the list postlude:rejected:<queue>.
                SIGTERM and SIGINT stop it: it takes no more messages, finishes running tasks within the grace, and \
                returns the other messages. A second signal stops it at once. SIGUSR1 reopens the log.
                """)
    }

    @Option(name: .long, help: ArgumentHelp("The queue.", valueName: "name"))
    var queue: String

    @Option(name: .long, help: "How many tasks run at once; by default the manifest's workers.min.")
    var workers: Int?

    @Option(
        name: .long,
        help: """
            How many unacknowledged messages it may have, including those that wait for their next attempt or for \
            their time; by default as many as workers.
            """)
    var prefetch: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long tasks may take to end after SIGTERM; by default the manifest's shutdown-grace.",
            valueName: "seconds"))
    var grace: Double?

    @Option(name: .long, help: "The manifest, which names the broker.")
    var manifest = "routes.yaml"

    func validate() throws {
        if let workers, !(1...1024).contains(workers) {
            throw ValidationError("--workers is \(workers), expected 1 to 1024")
        }
        if let prefetch, !(1...65_535).contains(prefetch) {
            throw ValidationError("--prefetch is \(prefetch), expected 1 to 65535")
        }
        if let grace, !(0...86_400).contains(grace) {
            throw ValidationError("--grace is \(grace), expected 0 to 86400 seconds")
        }
        if let problem = ContractViolation.problem(ofQueue: queue) {
            throw ValidationError("--queue: \(problem)")
        }
    }

    func run() async throws {
        try await TaskProgram<App>.run(manifest: manifest) { program in
            guard let engine = program.application.taskEngine?.parts as? DurableEngine,
                let celery = program.manifest.celery
            else {
                throw TaskBrokerError(
                    .settings,
                    """
                    there is no broker to take tasks from: name one in the manifest, such as \
                    celery: { broker: amqp://localhost }
                    """)
            }
            let addresses = try OpenCelery(celery)
            let workers = workers ?? program.manifest.workers.minimum
            let session = try WorkSession(
                program, kinds: engine.kinds.with(program.manifest), addresses: addresses, workers: workers,
                settings: QueueConsumer.Settings(queue: queue, prefetch: prefetch ?? workers),
                grace: grace.map { .seconds($0) } ?? program.manifest.shutdownGrace)
            return try session.run()
        }
    }
}

/// A run of `work`: the loop of its control thread, which handles signals and time limits, and stops the workers.
struct WorkSession<App: Application> {
    private let program: TaskProgram<App>
    private let pool: TaskWorkerPool
    private let consumer: QueueConsumer
    private let workers: Int
    private let grace: Duration
    private let settledEvent: EventDescriptor
    private let queue: String

    init(
        _ program: TaskProgram<App>, kinds: DurableTaskKinds, addresses: OpenCelery, workers: Int,
        settings: QueueConsumer.Settings, grace: Duration
    ) throws {
        self.program = program
        self.workers = workers
        self.grace = grace
        queue = settings.queue
        settledEvent = try EventDescriptor()
        pool = program.makeWorkers()
        consumer = try QueueConsumer(
            of: addresses.broker.broker, settings, kinds: kinds, pool: pool,
            results: addresses.results.map { ResultStore($0, logger: program.logger) },
            logger: program.logger,
            settledEvent: settledEvent)
    }

    /// Runs until it is told to stop, and all tasks have ended or the grace is over.
    ///
    /// - Returns: the exit status, which is 1 if a task could not be stopped within `tasks.kill-time`.
    func run() throws -> Int32 {
        try pool.start(workers: workers)
        try consumer.start()
        program.logger.info(
            "working", metadata: ["queue": "\(queue)", "workers": "\(workers)", "pid": "\(getpid())"])
        program.notifyReady("working on \(queue)")
        var status: Int32 = 0
        var end: MonotonicTime?
        var nextCheck = MonotonicTime.now
        func drain(_ reason: String) {
            guard end == nil else { return }
            let graceEnd = MonotonicTime.now + grace
            end = graceEnd
            consumer.drain()
            pool.drain(until: graceEnd)
            // No task begins after this log entry, and its readers may rely on that.
            program.notifyStopping(grace: grace)
            program.logger.info(
                "stopping: no new tasks are taken, running ones are finished",
                metadata: ["reason": "\(reason)", "grace": "\(grace)"])
        }
        while true {
            waitForInput(
                [program.signals.descriptor, program.stop.descriptor, settledEvent.descriptor],
                milliseconds: end.map { min(pool.tickMilliseconds, milliseconds(until: $0)) }
                    ?? pool.tickMilliseconds)
            settledEvent.take()
            while let signal = program.signals.take() {
                switch signal {
                case SIGUSR1: program.reopenLogs()
                case SIGHUP: program.logger.info("SIGHUP changes nothing: the manifest is read at the start")
                default:
                    if end != nil {
                        pool.logUnfinished()
                        return finish("a second signal", status)
                    }
                    drain(signal == SIGTERM ? "SIGTERM" : "SIGINT")
                }
            }
            if program.stop.take() { drain("the service was told to stop") }
            pool.checkTimeLimits { reason in
                status = 1
                drain(reason)
            }
            if .now >= nextCheck {
                program.runPeriodicChecks()
                nextCheck = .now + min(.seconds(1), program.watchdogInterval ?? .seconds(1))
            }
            guard let end else { continue }
            if pool.isIdle, consumer.isSettled { return finish("all tasks have ended", status) }
            if .now >= end {
                pool.logUnfinished()
                return finish("the grace is over", status)
            }
        }
    }

    private func finish(_ reason: String, _ status: Int32) -> Int32 {
        consumer.stop()
        program.logger.info("stopped", metadata: ["reason": "\(reason)"])
        return status
    }

    private func milliseconds(until time: MonotonicTime) -> Int32 {
        Int32(clamping: max(0, (time - .now).saturatedNanoseconds / 1_000_000) + 1)
    }
}
