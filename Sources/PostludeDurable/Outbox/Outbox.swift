internal import Logging
internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore
internal import PostludeThreads
internal import Synchronization

/// The thread of each process that publishes records to the broker's queues.
///
/// The records of a queue are published in their order, by one process at a time.
final class Outbox: Sendable {
    /// How long the end of the process waits for a broker that does not answer.
    private static let stopTimeout = Duration.seconds(2)

    private let taskStore: any RecordStore
    private let broker: any OpenTaskBroker
    private let logger: Logger
    private let thread: LoopThread
    /// Whether a record to publish may be in an asynchronous write that is not committed yet.
    private let isBehindNotes = Atomic<Bool>(false)
    private let known = Lock(TaskStoreOutages())

    /// Since when the broker accepts no tasks, and the task store cannot be used.
    var outages: TaskStoreOutages { known.withLock { $0 } }

    init(of taskStore: any RecordStore, to broker: any OpenTaskBroker, logger: Logger) throws {
        self.taskStore = taskStore
        self.broker = broker
        self.logger = logger
        thread = try LoopThread(name: "outbox")
    }

    func start() throws { try thread.start { self.run() } }

    /// Wakes the thread, because there is a record to publish.
    ///
    /// - Parameter behindNotes: whether the record is in an asynchronous write, which may not be in the file yet.
    func wake(behindNotes: Bool = false) {
        if behindNotes { isBehindNotes.store(true, ordering: .releasing) }
        thread.wake()
    }

    /// Stops the thread. Unpublished records stay for another process.
    func stop() {
        // A call to the broker may take half a minute to fail. The end of the process does not wait for that.
        thread.stop(timeout: Self.stopTimeout)
    }

    private func run() {
        var publisher = OutboxPublisher(of: taskStore, to: broker, logger: logger) { [thread] in
            thread.isStopping
        }
        var nextReport = MonotonicTime.now
        while !publisher.isStopping() {
            var delay = OutboxPublisher.interval
            do {
                if isBehindNotes.exchange(false, ordering: .acquiringAndReleasing) { try taskStore.flush() }
                delay = try publisher.publishAll()
                known.withLock { $0.store = nil }
            } catch {
                known.withLock { $0.store = $0.store ?? .now }
                if .now >= nextReport {
                    logger.error(
                        "the task store cannot be read or written, and no task is sent",
                        metadata: ["error": "\(error)"])
                    nextReport = .now + .seconds(10)
                }
            }
            known.withLock { [since = publisher.outageSince] in $0.broker = since }
            guard !publisher.isStopping() else { break }
            thread.wait(atMost: delay)
        }
        publisher.close()
    }
}
