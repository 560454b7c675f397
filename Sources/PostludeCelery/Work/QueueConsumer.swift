internal import FoundationEssentials
internal import Logging
internal import Postlude
internal import PostludeBroker
internal import PostludeDurable
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// Takes a queue's messages and has a crew run them: a thread of its own, which has the connection.
///
/// A message is acknowledged when its task has succeeded; until then the broker gives it to others when this process
/// dies.
final class QueueConsumer: Sendable {
    struct Settings: Sendable {
        var queue: String
        /// How many messages may be here at a time.
        var prefetch: Int
    }

    /// How long it waits for a message before it looks after its connection.
    private static let interval = Duration.seconds(5)
    private static let patience = Duration.seconds(5)

    private let broker: BrokerAddress
    private let settings: Settings
    private let kinds: DurableTaskKinds
    private let pool: TaskWorkerPool
    private let results: ResultStore?
    private let logger: Logger
    /// Its bell also rings when a task is over.
    private let thread: LoopThread
    private let isDraining = Atomic<Bool>(false)
    private let over = Lock<[(number: Int, settlement: DeliveryLedger.Settlement)]>([])
    /// Messages of which it is not known yet what becomes of them.
    private let inHand = Atomic<Int>(0)
    /// Whether the broker is being told of those of which it is.
    private let isSettling = Atomic<Bool>(false)
    /// Rings when nothing is left to be settled while it drains.
    private let whenSettled: EventDescriptor

    init(
        of broker: BrokerAddress, _ settings: Settings, kinds: DurableTaskKinds, pool: TaskWorkerPool,
        results: ResultStore?,
        logger: Logger, whenSettled: EventDescriptor
    ) throws {
        self.broker = broker
        self.settings = settings
        self.kinds = kinds
        self.pool = pool
        self.results = results
        self.logger = logger
        self.whenSettled = whenSettled
        thread = try LoopThread(name: "consumer")
    }

    func start() throws { try thread.start { self.run() } }

    /// Takes no more; what the crew has can still be settled.
    func drain() {
        isDraining.store(true, ordering: .releasing)
        thread.ring()
    }

    /// Whether the broker knows of all that is over here.
    var isSettled: Bool {
        inHand.load(ordering: .acquiring) == 0 && !isSettling.load(ordering: .acquiring)
    }

    /// Ends the connection: what is not settled goes back to the queue.
    func stop() {
        // The end of the process gives it back as well.
        thread.stop(patience: Self.patience)
    }

    // MARK: The thread

    private var mustStop: Bool { thread.isStopping }
    private var mustDrain: Bool { isDraining.load(ordering: .acquiring) }

    private func run() {
        var ledger = DeliveryLedger()
        var trouble: OutageBackoff?
        var connections = 0
        while !mustStop {
            do throws(BrokerError) {
                // What is not settled comes again elsewhere: no other connection is needed for the end.
                if !mustDrain {
                    connections += 1
                    try consume(&ledger, over: connections, past: &trouble)
                }
            } catch {
                var current = trouble ?? OutageBackoff()
                current.next(isSettings: error.remedy != .retry)
                if current.isToBeReported {
                    logger.log(
                        level: error.remedy == .retry ? .warning : .error, "the queue cannot be consumed",
                        metadata: [
                            "queue": "\(settings.queue)", "broker": "\(broker)", "error": "\(error)",
                            "failures": "\(current.failures)", "next-try": "\(current.nextTryText)",
                        ])
                }
                trouble = current
            }
            collect(&ledger)
            ledger.forget()
            // The broker delivers all of it again, and there is no connection left to report on.
            isSettling.store(false, ordering: .releasing)
            if mustDrain { whenSettled.signal() }
            guard !mustStop else { break }
            let rest = mustDrain ? Self.interval : trouble?.rest ?? .zero
            thread.rest(rest)
        }
    }

    /// Consumes until the connection ends, or the process.
    private func consume(
        _ ledger: inout DeliveryLedger, over connection: Int, past trouble: inout OutageBackoff?
    ) throws(BrokerError) {
        let consumer = try broker.broker.consumer(of: settings.queue, prefetch: settings.prefetch)
        defer { consumer.close() }
        logger.info(
            trouble == nil ? "consuming" : "consuming again",
            metadata: [
                "queue": "\(settings.queue)", "broker": "\(broker)", "prefetch": "\(settings.prefetch)",
            ])
        trouble = nil
        switch consumer.delayedDelivery {
        case .unused: break
        case .bound:
            logger.info(
                "tasks that Celery delays at the broker come to this queue",
                metadata: ["queue": "\(settings.queue)", "execution": "celery_delayed_delivery"])
        case .refused(let reason):
            logger.warning(
                "the queue cannot be bound to Celery's delayed delivery: tasks with a countdown may not arrive",
                metadata: ["queue": "\(settings.queue)", "error": "\(reason)"])
        }
        var isTaking = true
        while true {
            thread.bell.take()
            collect(&ledger)
            try settle(&ledger, over: connection, with: consumer)
            isSettling.store(false, ordering: .releasing)
            if mustStop { return }
            if mustDrain, isTaking {
                try consumer.stopTaking()
                isTaking = false
            }
            if mustDrain, isSettled { whenSettled.signal() }
            guard
                let received = try consumer.receive(within: Self.interval, orReadable: thread.bell.descriptor)
            else {
                continue
            }
            switch received {
            case .refused(let refused):
                logger.error(
                    "a message cannot be read, and is rejected",
                    metadata: [
                        "queue": "\(settings.queue)", "id": "\(refused.id ?? "-")",
                        "task": "\(refused.task ?? "-")",
                        "reason": "\(refused.reason)", "kept": "\(consumer.deadLetters)",
                    ])
                tell(refused)
                try consumer.reject(refused.delivery, reason: refused.reason)
            case .task(let delivery):
                if mustDrain {
                    try consumer.requeue(delivery.id)
                } else if ledger.recognize(delivery, over: connection) == nil {
                    take(delivery, over: connection, &ledger, deadLetters: consumer.deadLetters)
                }
            }
        }
    }

    /// Has those who wait for a message that is refused wait no longer.
    private func tell(_ refused: Received.Refused) {
        guard let results else { return }
        for id in refused.awaited {
            let failure = CeleryResult.failed(
                id, type: "InvalidTaskError", in: "celery.exceptions",
                message: "the queue \(settings.queue) has rejected the task: \(refused.reason)")
            // Each try of a store that is away takes seconds, in which the broker would hear nothing of this consumer.
            guard results.store(failure) else { return }
        }
    }

    private func collect(_ ledger: inout DeliveryLedger) {
        let over = self.over.withLock { over in
            defer { over = [] }
            return over
        }
        for (number, settlement) in over { ledger.settle(number, settlement) }
        guard !over.isEmpty else { return }
        isSettling.store(true, ordering: .releasing)
        inHand.subtract(over.count, ordering: .acquiringAndReleasing)
    }

    private func settle(
        _ ledger: inout DeliveryLedger, over connection: Int, with consumer: any CeleryConsumer
    ) throws(BrokerError) {
        for (number, entry) in ledger.settled(over: connection) {
            let isOurs =
                switch entry.settlement {
                case .acknowledge: try consumer.acknowledge(entry.delivery)
                case .reject(let reason): try consumer.reject(entry.delivery, reason: reason)
                case .requeue, nil: try consumer.requeue(entry.delivery)
                }
            ledger.remove(number)
            if !isOurs {
                logger.warning(
                    "this process counted as dead, and another one has the task too",
                    metadata: [
                        "task": "\(entry.name)", "id": "\(entry.taskID)", "queue": "\(settings.queue)",
                    ])
            }
        }
    }

    private func take(
        _ delivery: Delivery, over connection: Int, _ ledger: inout DeliveryLedger, deadLetters: String
    ) {
        let number = ledger.add(delivery, over: connection)
        inHand.add(1, ordering: .acquiringAndReleasing)
        let message = delivery.task
        switch DecodedMessage(message, kinds: kinds) {
        case .expired: end(.expired, of: message, number, deadLetters)
        case .refused(let type, let reason):
            log(
                .error, "a task cannot run here, and its message is rejected", message,
                [
                    "reason": "\(reason)", "kept": "\(deadLetters)",
                ])
            store(message, .failed(message.id, type: type, message: reason))
            settle(number, .reject(reason: reason))
        case .task(let task):
            let time = message.eta.map { MonotonicTime.now + .seconds(max(0, $0.timeIntervalSinceNow)) }
            pool.run(
                task, of: TaskOrigin(requestID: message.headers["request_id"]?.text ?? message.id, route: ""),
                notBefore: time
            ) { [self] in
                end(task.outcome, of: message, number, deadLetters)
            }
        }
    }

    // MARK: Any thread

    /// A task is over here. Its result is there before its message goes: who dies between the two does both again.
    private func end(
        _ outcome: ReceivedTask.Outcome, of message: IncomingTask, _ number: Int, _ deadLetters: String
    ) {
        switch outcome {
        case .done(let result):
            store(message, .done(message.id, result: result))
            settle(number, .acknowledge)
        case .failed(let error):
            log(
                .error, "a task has failed for good, and its message is rejected", message,
                [
                    "kept": "\(deadLetters)"
                ])
            store(message, .failed(message.id, error))
            settle(number, .reject(reason: "\(error)"))
        case .expired:
            log(.warning, "a task has expired before it began, and is dropped", message)
            store(message, .expired(message.id))
            settle(number, .acknowledge)
        case .left: settle(number, .requeue)
        }
    }

    private func settle(_ number: Int, _ settlement: DeliveryLedger.Settlement) {
        over.withLock { $0.append((number, settlement)) }
        thread.ring()
    }

    private func store(_ message: IncomingTask, _ result: CeleryResult) {
        // The producer has said that the result will not be asked for.
        if case .bool(true)? = message.headers["ignore_result"] { return }
        results?.store(result)
    }

    private func log(
        _ level: Logger.Level, _ text: Logger.Message, _ message: IncomingTask, _ more: Logger.Metadata = [:]
    ) {
        var metadata: Logger.Metadata = [
            "task": "\(message.name)", "id": "\(message.id)", "queue": "\(settings.queue)",
        ]
        metadata.merge(more) { $1 }
        logger.log(level: level, text, metadata: metadata)
    }
}
