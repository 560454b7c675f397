internal import Logging
internal import PostludeSystem
internal import PostludeTaskStore
internal import PostludeThreads
internal import Synchronization

/// Brings records to the broker's queues: a thread of its own, one in each process.
///
/// Each queue's records leave in their order, from one process at a time.
final class Outbox: Sendable {
    /// How long the process's end waits for a broker that does not answer.
    private static let patience = Duration.seconds(2)

    private let taskStore: SQLiteTaskStore
    private let broker: any OpenTaskBroker
    private let logger: Logger
    private let thread: LoopThread
    /// Whether what it is told of is in a note, which goes with the next transaction.
    private let isBehindNotes = Atomic<Bool>(false)

    init(of taskStore: SQLiteTaskStore, to broker: any OpenTaskBroker, logger: Logger) throws {
        self.taskStore = taskStore
        self.broker = broker
        self.logger = logger
        thread = try LoopThread(name: "outbox")
    }

    func start() throws { try thread.start { self.run() } }

    /// There is something to publish.
    ///
    /// - Parameter behindNotes: whether it is not in the file yet.
    func ring(behindNotes: Bool = false) {
        if behindNotes { isBehindNotes.store(true, ordering: .releasing) }
        thread.ring()
    }

    /// Ends the thread. What has not left is for the next process.
    func stop() {
        // A broker may take half a minute to be given up; the process ends without that.
        thread.stop(patience: Self.patience)
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
            } catch {
                if .now >= nextReport {
                    logger.error(
                        "the task store cannot be read or written, and no task is sent",
                        metadata: ["error": "\(error)"])
                    nextReport = .now + .seconds(10)
                }
            }
            guard !publisher.isStopping() else { break }
            thread.rest(delay)
        }
        publisher.close()
    }
}
