internal import FoundationEssentials
internal import Logging
package import PostludeSystem
internal import PostludeTaskStore

/// The work of the outbox's thread, with its connection to the broker.
struct OutboxPublisher {
    /// The interval between two looks for records of other processes.
    static let interval = Duration.seconds(1)
    /// The delay before the next look at a queue that another process publishes.
    private static let turn = Duration.milliseconds(50)
    /// The interval of keep-alives on an idle connection, and the time after which it is closed.
    private static let heartbeat = Duration.seconds(5)
    private static let idleTime = Duration.seconds(60)

    /// The maximum number of records that are read at a time.
    private static let batch = 64

    private let taskStore: any RecordStore
    private let broker: any OpenTaskBroker
    private let logger: Logger
    let isStopping: () -> Bool

    private var connection: (any TaskBrokerConnection)?
    private var lastUse = MonotonicTime.now
    private var lastSign = MonotonicTime.now
    /// The current outage of the broker; nil if it accepts tasks.
    private var outage: OutageBackoff?
    /// The current outages of single queues.
    private var queueOutages: [String: OutageBackoff] = [:]
    /// The queues that this process has tried. Its first attempt does not wait for a delay that another process has set: this
    /// process may have been started with corrected settings.
    private var tried: Set<String> = []
    /// Whether there was a record to publish, as of the last look.
    private var hasRecords = false

    /// Since when the broker, or a queue of it, accepts no tasks; nil if it does, or if there are none to publish.
    var outageSince: MonotonicTime? {
        guard hasRecords else { return nil }
        return (queueOutages.values.map(\.since) + (outage.map { [$0.since] } ?? [])).min()
    }

    init(
        of taskStore: any RecordStore, to broker: any OpenTaskBroker, logger: Logger,
        isStopping: @escaping () -> Bool = { false }
    ) {
        self.taskStore = taskStore
        self.broker = broker
        self.logger = logger
        self.isStopping = isStopping
    }

    mutating func close() {
        connection?.close()
        connection = nil
    }

    /// Publishes all records that can be published now.
    ///
    /// - Returns: how long to wait before the next call, unless a new record arrives before.
    mutating func publishAll() throws -> Duration {
        if let outage, outage.rest > .zero { return min(outage.rest, Self.interval) }
        var delay = Self.interval
        let queues = try taskStore.outgoingQueues()
        hasRecords = !queues.isEmpty
        for queue in queues {
            if isStopping() { break }
            if let rest = queueOutages[queue]?.rest, rest > .zero {
                delay = min(delay, rest)
                continue
            }
            guard let publisher = try taskStore.publisher(of: queue) else {
                delay = min(delay, Self.turn)
                continue
            }
            delay = min(delay, try publish(publisher))
            if let outage { return min(delay, outage.rest) }
        }
        tendConnection()
        return delay
    }

    private mutating func publish(_ publisher: any RecordPublisher) throws -> Duration {
        if !tried.contains(publisher.queue) {
            try publisher.tryAtOnce()
            tried.insert(publisher.queue)
        }
        while !isStopping() {
            let records = try publisher.next(Self.batch)
            guard !records.isEmpty else {
                // The records wait for the queue's next attempt, which another process may have set.
                guard let due = try publisher.nextDue() else { return Self.interval }
                return .milliseconds(Int64(min(1, max(0.001, due.timeIntervalSinceNow)) * 1000))
            }
            for record in records {
                if isStopping() { break }
                if let expires = record.expires, expires <= Date() {
                    taskStore.ended(record.id, .expired)
                    logger.info(
                        "a task expired before it was sent", metadata: metadata(record, publisher.queue))
                    continue
                }
                guard deliver(record, publisher) else {
                    return queueOutages[publisher.queue]?.rest ?? outage?.rest ?? Self.interval
                }
            }
        }
        return Self.interval
    }

    /// - Returns: false if the queue must wait.
    private mutating func deliver(_ record: Record, _ publisher: any RecordPublisher) -> Bool {
        do throws(TaskBrokerError) {
            try send(OutgoingTask(record, at: Date()), to: publisher.queue)
            publisher.published(record.id)
            noteSuccess(of: publisher.queue)
            return true
        } catch {
            if error.remedy == .message {
                taskStore.ended(record.id, .failed(error: error.description))
                var metadata = metadata(record, publisher.queue)
                metadata["error"] = "\(error)"
                logger.error("a task cannot be sent, and is a dead letter", metadata: metadata)
                return true
            }
            let delay = noteFailure(error, publisher.queue)
            publisher.failed(record.id, error: error.description, next: Date().advanced(by: delay))
            return false
        }
    }

    private mutating func send(_ task: OutgoingTask, to queue: String) throws(TaskBrokerError) {
        if let connection, !connection.isClosed {
            do throws(TaskBrokerError) {
                try connection.publish(task, to: queue)
                return noteUse()
            } catch {
                // The broker may have closed an idle connection; a new one shows whether it accepts tasks.
                guard connection.isClosed, error.remedy == .retry else { throw error }
            }
        }
        close()
        let connection = try broker.connect()
        self.connection = connection
        do throws(TaskBrokerError) {
            try connection.publish(task, to: queue)
            noteUse()
        } catch {
            if connection.isClosed { close() }
            throw error
        }
    }

    private mutating func noteUse() { (lastUse, lastSign) = (.now, .now) }

    /// Keeps the connection open while it is idle, and closes it after a while.
    private mutating func tendConnection() {
        guard let connection else { return }
        let now = MonotonicTime.now
        if connection.isClosed || now - lastUse > Self.idleTime { return close() }
        guard now - lastSign > Self.heartbeat else { return }
        lastSign = now
        do throws(TaskBrokerError) {
            try connection.keepAlive()
        } catch {
            // The next task opens a new connection, and a failure of that is logged.
            logger.debug("the broker has closed an idle connection", metadata: ["error": "\(error)"])
            close()
        }
    }

    // MARK: Outages

    /// Starts or continues an outage of the queue or the broker, and logs it from time to time.
    ///
    /// - Returns: the delay before the next attempt.
    private mutating func noteFailure(_ error: TaskBrokerError, _ queue: String) -> Duration {
        // If the connection is still open, only this queue has an outage.
        let isQueues = connection.map { !$0.isClosed } ?? false
        var outage = (isQueues ? queueOutages[queue] : self.outage) ?? OutageBackoff()
        let delay = outage.next(isSettings: error.remedy == .settings)
        if outage.isToBeReported {
            var metadata: Logger.Metadata = [
                "broker": "\(broker.name)", "error": "\(error)", "failures": "\(outage.failures)",
                "next-try": "\(outage.nextTryText)",
            ]
            if isQueues { metadata["queue"] = "\(queue)" }
            logger.log(
                level: error.remedy == .settings ? .error : .warning,
                isQueues
                    ? "a queue accepts no tasks; they stay in the task store"
                    : "the broker accepts no tasks; they stay in the task store",
                metadata: metadata)
        }
        if isQueues { queueOutages[queue] = outage } else { self.outage = outage }
        return delay
    }

    private mutating func noteSuccess(of queue: String) {
        let past = [outage, queueOutages.removeValue(forKey: queue)].compactMap(\.self)
        outage = nil
        guard let first = past.min(by: { $0.since < $1.since }) else { return }
        logger.info(
            "the broker accepts tasks again",
            metadata: [
                "broker": "\(broker.name)", "queue": "\(queue)",
                "after": "\((MonotonicTime.now - first.since).components.seconds) s",
            ])
    }

    private func metadata(_ record: Record, _ queue: String) -> Logger.Metadata {
        [
            "task": "\(record.name)", "id": "\(record.id)", "request": "\(record.request)",
            "queue": "\(queue)",
        ]
    }
}

/// Exponential back-off for an unreachable broker, with rate-limited logging.
package struct OutageBackoff {
    private static let longest = Duration.seconds(60)
    private static let jitter = 0.2
    private static let growing = Backoff(initial: .milliseconds(500), maximum: longest, jitter: jitter)
    private static let constant = Backoff(initial: longest, maximum: longest, jitter: jitter)
    private static let reports = Duration.seconds(600)

    package let since = MonotonicTime.now
    package private(set) var failures = 0
    private var delay = Duration.zero
    private var nextTry = MonotonicTime.now
    private var nextReport = MonotonicTime.now
    package private(set) var isToBeReported = false

    package init() {}

    package var rest: Duration { max(.zero, nextTry - .now) }

    /// The delay before the next attempt, and the interval of later ones, for the log, which does not report each attempt.
    package var nextTryText: String {
        let tenths = Int(delay / .milliseconds(100))
        let time = tenths < 100 ? "\(tenths / 10).\(tenths % 10) s" : "\(tenths / 10) s"
        return delay < Self.longest * (1 - Self.jitter)
            ? "in \(time), then at growing intervals of up to about \(Self.longest.components.seconds) s"
            : "in \(time), and again about every \(Self.longest.components.seconds) s"
    }

    /// Notes a failed attempt.
    ///
    /// - Parameters:
    ///   - isSettings: whether the outage lasts until an operator changes the settings. The delay is then 60 s from the start.
    ///   - random: the jitter, from -1 to 1, so that processes that have lost the broker together do not reconnect together.
    /// - Returns: the delay before the next attempt: 0.5, 1, 2, … 60 s, ±20 %.
    @discardableResult
    package mutating func next(isSettings: Bool, random: Double = .random(in: -1...1)) -> Duration {
        failures += 1
        delay = (isSettings ? Self.constant : Self.growing).delay(after: failures, random: random)
        let now = MonotonicTime.now
        nextTry = now + delay
        isToBeReported = now >= nextReport
        if isToBeReported { nextReport = now + Self.reports }
        return delay
    }
}
