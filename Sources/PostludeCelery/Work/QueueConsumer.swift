internal import FoundationEssentials
internal import Logging
internal import Postlude
internal import PostludeBroker
internal import PostludeDurable
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// Consumes a queue, and runs its tasks on a pool of workers. Its own thread has the connection to the broker.
///
/// A message is acknowledged after its task has succeeded. If this process dies before, the broker delivers the message to
/// another consumer.
final class QueueConsumer: Sendable {
    struct Settings: Sendable {
        var queue: String
        /// The largest number of unsettled messages.
        var prefetch: Int
    }

    /// The longest time for which the thread waits for a message before it maintains its connection.
    private static let interval = Duration.seconds(5)
    private static let stopTimeout = Duration.seconds(5)

    private let broker: any CeleryBroker
    private let settings: Settings
    private let kinds: DurableTaskKinds
    private let pool: TaskWorkerPool
    private let results: ResultStore?
    private let logger: Logger
    /// The consumer's thread. Its wakeup is also signalled when a task has ended.
    private let thread: LoopThread
    private let isDraining = Atomic<Bool>(false)
    private let over = Lock<[(number: Int, settlement: DeliveryLedger.Settlement)]>([])
    /// The number of messages whose tasks have not ended, or whose ends the consumer's thread has not collected.
    private let inFlight = Atomic<Int>(0)
    /// Whether messages of ended tasks are being settled with the broker.
    private let isSettling = Atomic<Bool>(false)
    /// Signalled when the consumer drains and no message is left to be settled.
    private let settledEvent: EventDescriptor

    init(
        of broker: any CeleryBroker, _ settings: Settings, kinds: DurableTaskKinds, pool: TaskWorkerPool,
        results: ResultStore?,
        logger: Logger, settledEvent: EventDescriptor
    ) throws {
        self.broker = broker
        self.settings = settings
        self.kinds = kinds
        self.pool = pool
        self.results = results
        self.logger = logger
        self.settledEvent = settledEvent
        thread = try LoopThread(name: "consumer")
    }

    func start() throws { try thread.start { self.run() } }

    /// Stops taking messages. Those of tasks in the pool can still be settled.
    func drain() {
        isDraining.store(true, ordering: .releasing)
        thread.wake()
    }

    /// Whether all tasks have ended, and all their messages are settled with the broker.
    var isSettled: Bool {
        inFlight.load(ordering: .acquiring) == 0 && !isSettling.load(ordering: .acquiring)
    }

    /// Ends the connection. Unsettled messages return to the queue.
    func stop() {
        // If the thread does not end in time, the end of the process has the same effect.
        thread.stop(timeout: Self.stopTimeout)
    }

    // MARK: The thread

    private var mustStop: Bool { thread.isStopping }
    private var mustDrain: Bool { isDraining.load(ordering: .acquiring) }

    private func run() {
        var ledger = DeliveryLedger()
        var outage: OutageBackoff?
        var connections = 0
        while !mustStop {
            do throws(BrokerError) {
                // While draining, no new connection is opened: unsettled messages are delivered elsewhere.
                if !mustDrain {
                    connections += 1
                    try consume(&ledger, over: connections, past: &outage)
                }
            } catch {
                var current = outage ?? OutageBackoff()
                current.next(isSettings: error.remedy != .retry)
                if current.isToBeReported {
                    logger.log(
                        level: error.remedy == .retry ? .warning : .error, "the queue cannot be consumed",
                        metadata: [
                            "queue": "\(settings.queue)", "broker": "\(broker.address)", "error": "\(error)",
                            "failures": "\(current.failures)", "next-try": "\(current.nextTryText)",
                        ])
                }
                outage = current
            }
            collect(&ledger)
            ledger.forget()
            // There is no connection to settle messages with. The broker delivers all of them again.
            isSettling.store(false, ordering: .releasing)
            if mustDrain { settledEvent.signal() }
            guard !mustStop else { break }
            let rest = mustDrain ? Self.interval : outage?.rest ?? .zero
            thread.wait(atMost: rest)
        }
    }

    /// Consumes until the connection fails, or the consumer is stopped.
    private func consume(
        _ ledger: inout DeliveryLedger, over connection: Int, past outage: inout OutageBackoff?
    ) throws(BrokerError) {
        let consumer = try broker.consumer(of: settings.queue, prefetch: settings.prefetch)
        defer { consumer.close() }
        logger.info(
            outage == nil ? "consuming" : "consuming again",
            metadata: [
                "queue": "\(settings.queue)", "broker": "\(broker.address)",
                "prefetch": "\(settings.prefetch)",
            ])
        outage = nil
        switch consumer.delayedDelivery {
        case .unused: break
        case .bound:
            logger.info(
                "tasks that Celery delays at the broker come to this queue",
                metadata: ["queue": "\(settings.queue)", "exchange": "celery_delayed_delivery"])
        case .refused(let reason):
            logger.warning(
                "the queue cannot be bound to Celery's delayed delivery: tasks with a countdown may not arrive",
                metadata: ["queue": "\(settings.queue)", "error": "\(reason)"])
        }
        var isTaking = true
        while true {
            thread.wakeup.take()
            collect(&ledger)
            try settle(&ledger, over: connection, with: consumer)
            isSettling.store(false, ordering: .releasing)
            if mustStop { return }
            if mustDrain, isTaking {
                try consumer.stopTaking()
                isTaking = false
            }
            if mustDrain, isSettled { settledEvent.signal() }
            guard
                let received = try consumer.receive(
                    within: Self.interval, orReadable: thread.wakeup.descriptor)
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
                        "reason": "\(refused.reason)", "dead-letters": "\(consumer.deadLetters)",
                    ])
                logRefusal(refused)
                try consumer.reject(refused.delivery, reason: refused.reason)
            case .setAside(let size):
                logger.warning(
                    "a message is too large to be read, and is set aside",
                    metadata: [
                        "queue": "\(settings.queue)", "size": "\(size)",
                        "limit": "\(ContractBounds.envelope)",
                        "dead-letters": "\(consumer.deadLetters)",
                    ])
            case .task(let delivery):
                if mustDrain {
                    try consumer.requeue(delivery.id)
                } else if ledger.recognize(delivery, over: connection) == nil {
                    take(delivery, over: connection, &ledger, deadLetters: consumer.deadLetters)
                }
            }
        }
    }

    /// Stores failures as the results of a refused message, so that callers do not wait for them any longer.
    private func logRefusal(_ refused: Received.Refused) {
        guard let results else { return }
        for id in refused.awaited {
            let failure = CeleryResult.failed(
                id, type: "InvalidTaskError", in: "celery.exceptions",
                message: "the queue \(settings.queue) has rejected the task: \(refused.reason)")
            // If the store is unreachable, each attempt takes seconds, in which the connection to the broker is not kept alive.
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
        inFlight.subtract(over.count, ordering: .acquiringAndReleasing)
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
        inFlight.add(1, ordering: .acquiringAndReleasing)
        let message = delivery.task
        switch DecodedMessage(message, kinds: kinds) {
        case .expired: end(.expired, of: message, number, deadLetters)
        case .refused(let type, let reason):
            log(
                .error, "a task cannot run here, and its message is rejected", message,
                [
                    "reason": "\(reason)", "dead-letters": "\(deadLetters)",
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

    /// Stores the result of a task that has ended, and then settles its message. If the process dies between the two, the task
    /// is delivered again.
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
                    "dead-letters": "\(deadLetters)"
                ])
            store(message, .failed(message.id, error))
            settle(number, .reject(reason: "\(error)"))
        case .expired:
            log(.warning, "a task has expired before it began, and is dropped", message)
            store(message, .expired(message.id))
            settle(number, .acknowledge)
        case .discarded:
            store(message, .expired(message.id))
            settle(number, .acknowledge)
        case .released: settle(number, .requeue)
        }
    }

    private func settle(_ number: Int, _ settlement: DeliveryLedger.Settlement) {
        over.withLock { $0.append((number, settlement)) }
        thread.wake()
    }

    private func store(_ message: IncomingTask, _ result: CeleryResult) {
        // The producer does not want a result.
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
