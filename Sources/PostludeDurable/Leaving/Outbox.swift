internal import Journal
internal import Linux
internal import Logging
internal import Synchronization
internal import Workers

/// Brings records to the broker's queues: a thread of its own, one in each process.
///
/// Each queue's records leave in their order, from one process at a time.
final class Outbox: Sendable {
    /// How long the process's end waits for a broker that does not answer.
    private static let patience = Duration.seconds(2)

    private let journal: Journal
    private let broker: any OpenTaskBroker
    private let logger: Logger
    private let bell: EventDescriptor
    private let hasEnded: EventDescriptor
    private let isStopping = Atomic<Bool>(false)
    /// Whether what it is told of is in a note, which goes with the next transaction.
    private let isBehindNotes = Atomic<Bool>(false)
    private let thread = Lock<WorkerThread?>(nil)

    init(of journal: Journal, to broker: any OpenTaskBroker, logger: Logger) throws {
        self.journal = journal
        self.broker = broker
        self.logger = logger
        bell = try EventDescriptor()
        hasEnded = try EventDescriptor()
    }

    func start() throws {
        let started = try WorkerThread(name: "outbox") { self.run() }
        thread.withLock { $0 = started }
    }

    /// There is something to publish.
    ///
    /// - Parameter behindNotes: whether it is not in the file yet.
    func ring(behindNotes: Bool = false) {
        if behindNotes { isBehindNotes.store(true, ordering: .releasing) }
        bell.signal()
    }

    /// Ends the thread. What has not left is for the next process.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        bell.signal()
        let started = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let started else { return }
        waitForInput([hasEnded.descriptor], milliseconds: Int32(Self.patience / .milliseconds(1)))
        // A broker may take half a minute to be given up; the process ends without that.
        if hasEnded.take() { started.join() } else { started.detach() }
    }

    private func run() {
        var courier = Courier(of: journal, to: broker, logger: logger) { [self] in
            isStopping.load(ordering: .acquiring)
        }
        var nextReport = MonotonicTime.now
        while !courier.isStopping() {
            var delay = Courier.interval
            do {
                if isBehindNotes.exchange(false, ordering: .acquiringAndReleasing) { try journal.flush() }
                delay = try courier.publishAll()
            } catch {
                if .now >= nextReport {
                    logger.error(
                        "the journal cannot be read or written, and nothing leaves",
                        metadata: ["error": "\(error)"])
                    nextReport = .now + .seconds(10)
                }
            }
            guard !courier.isStopping() else { break }
            waitForInput([bell.descriptor], milliseconds: Int32(delay / .milliseconds(1)) + 1)
            bell.take()
        }
        courier.close()
        hasEnded.signal()
    }
}
