import Foundation
import Logging
import Postlude
import PostludeManifest
import PostludeSystem
import Testing

@testable import PostludeBroker
@testable import PostludeCelery
@testable import PostludeDurable

@Suite("A queue's consumer") struct QueueConsumerTests {
    private struct Job: DurableTask {
        static let policy = DurablePolicy(retry: .none)
        var fails: Bool

        func run(_ context: TaskContext) async throws { if fails { throw Failure() } }
    }

    private struct Failure: Error {}

    private let broker: FakeBroker
    private let log = Log()
    private let pool: TaskWorkerPool
    private let settledEvent: EventDescriptor
    private let consumer: QueueConsumer

    init() throws {
        broker = try FakeBroker()
        pool = TaskWorkerPool(
            for: "the application", limits: Manifest.TaskLimits(), logger: log.logger, taskFailed: { _ in })
        settledEvent = try EventDescriptor()
        consumer = try QueueConsumer(
            of: broker, QueueConsumer.Settings(queue: "q", prefetch: 4),
            kinds: DurableTaskKinds([DurableTaskKind(Job.self)]), pool: pool, results: nil,
            logger: log.logger, settledEvent: settledEvent)
    }

    private func delivery(_ number: UInt64, _ name: String = "Job", fails: Bool = false) throws -> Received {
        let message = CeleryMessage(
            task: name, id: "id-\(number)", keywordArguments: #"{"fails": \#(fails)}"#)
        return .task(
            Delivery(
                id: Delivery.ID(consumer: 1, number: number),
                task: try IncomingTask(envelope: message.redisMessage(to: "q").envelope),
                isRedelivered: false, earlierDeliveries: nil))
    }

    /// Runs the consumer until a condition is met.
    private func consume(_ received: [Received], until condition: () -> Bool) throws {
        broker.state.withLock { $0.arrivals = received }
        try pool.start(workers: 1)
        try consumer.start()
        defer {
            pool.drain(until: .now)
            consumer.stop()
        }
        let end = ContinuousClock.now + .seconds(60)
        while !condition() {
            try #require(ContinuousClock.now < end, "\(broker.settled) \(log.lines)")
            usleep(2_000)
        }
    }

    @Test("A task that succeeds is acknowledged, one that fails for good is rejected") func tasks() throws {
        try consume([delivery(1), delivery(2, fails: true)]) { broker.settled.count == 2 }
        #expect(broker.settled == ["acknowledge 1", "reject 2"])
        #expect(log.lines.contains { $0.contains("a task has failed for good, and its message is rejected") })
    }

    @Test("A task that this program does not have is rejected") func unknown() throws {
        try consume([delivery(1, "Other")]) { !broker.settled.isEmpty }
        #expect(broker.settled == ["reject 1"])
        #expect(log.lines.contains { $0.contains("this program has no durable task called Other") })
    }

    @Test("A message that is not a task is rejected, with its reason in the log") func refused() throws {
        let refused = Received.Refused(
            IncomingTask.Refusal("it is not JSON"), as: Delivery.ID(consumer: 1, number: 1))
        try consume([.refused(refused)]) { !broker.settled.isEmpty }
        #expect(broker.settled == ["reject 1"])
        #expect(
            log.lines.contains(
                "error a message cannot be read, and is rejected: it is not JSON, dead letters in a list"))
    }

    @Test("A message over the size limit is logged with its size and its place") func setAside() throws {
        try consume([.setAside(size: 99_000_000), delivery(1)]) { broker.settled == ["acknowledge 1"] }
        #expect(
            log.lines.contains(
                "warning a message is too large to be read, and is set aside: 99000000 bytes of q, dead letters in a list"
            ))
    }

    @Test("What comes while it drains goes back to the queue, and it says when all is settled") func drain()
        throws
    {
        // The consumer stops in between: what was on its way still comes.
        broker.state.withLock { $0.whenReceiving = { [consumer] in consumer.drain() } }
        try consume([delivery(1), delivery(2)]) { broker.settled.count == 2 && settledEvent.take() }
        #expect(Set(broker.settled) == ["requeue 1", "requeue 2"])
        #expect(broker.state.withLock { $0.hasStoppedTaking })
        #expect(consumer.isSettled)
    }
}

/// A broker whose messages the test gives.
private final class FakeBroker: CeleryBroker {
    struct State {
        var arrivals: [Received] = []
        var settled: [String] = []
        var hasStoppedTaking = false
        /// Called before a message is given.
        var whenReceiving: @Sendable () -> Void = {}
    }

    let address: BrokerAddress
    let state = Lock(State())

    init() throws { address = try BrokerAddress("redis://127.0.0.1:1/0") }

    var settled: [String] { state.withLock { $0.settled } }

    func publisher() throws(BrokerError) -> any CeleryPublisher {
        throw BrokerError(.closed, .retry, "it takes nothing")
    }

    func consumer(of queue: String, prefetch: Int) throws(BrokerError) -> any CeleryConsumer {
        FakeConsumer(self)
    }
}

private final class FakeConsumer: CeleryConsumer {
    private let broker: FakeBroker

    init(_ broker: FakeBroker) { self.broker = broker }

    let isClosed = false
    let delayedDelivery = DelayedDelivery.unused
    let deadLetters = "in a list"

    func receive(within time: Duration, orReadable descriptor: Int32?) throws(BrokerError) -> Received? {
        broker.state.withLock { $0.whenReceiving }()
        let next = broker.state.withLock { $0.arrivals.isEmpty ? nil : $0.arrivals.removeFirst() }
        if next == nil { waitForInput(descriptor.map { [$0] } ?? [], milliseconds: 1000) }
        return next
    }

    private func note(_ what: String, _ delivery: Delivery.ID) -> Bool {
        broker.state.withLock { $0.settled.append("\(what) \(delivery.number)") }
        return true
    }

    func acknowledge(_ delivery: Delivery.ID) throws(BrokerError) -> Bool { note("acknowledge", delivery) }
    func reject(_ delivery: Delivery.ID, reason: String) throws(BrokerError) -> Bool {
        note("reject", delivery)
    }
    func requeue(_ delivery: Delivery.ID) throws(BrokerError) -> Bool { note("requeue", delivery) }
    func stopTaking() throws(BrokerError) { broker.state.withLock { $0.hasStoppedTaking = true } }
    func close() {}
}

/// The logged entries, one per line, with what the tests look for.
private final class Log: Sendable {
    private let all = Lock<[String]>([])

    var lines: [String] { all.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(entries: self) } }

    private struct Handler: LogHandler {
        let entries: Log
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = event.metadata ?? [:]
            let parts = [
                metadata["reason"].map { "\($0)" }, metadata["size"].map { "\($0) bytes of q" },
                metadata["dead-letters"].map { "dead letters \($0)" },
            ].compactMap(\.self)
            let text = parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
            entries.all.withLock { $0.append("\(event.level) \(event.message)\(text)") }
        }
    }
}
