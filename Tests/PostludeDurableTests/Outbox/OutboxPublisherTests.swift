import Foundation
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("OutboxPublisher") struct OutboxPublisherTests {
    private let folder: TaskStoreFolder
    private let broker = FakeBroker()
    private let log = LogLines()

    init() throws { folder = try TaskStoreFolder() }

    private func publisher() -> OutboxPublisher {
        OutboxPublisher(of: folder.taskStore, to: broker, logger: log.logger)
    }

    @Test("Each queue's records are published in their order") func order() throws {
        var publisher = publisher()
        let ids = try [("a", "q"), ("b", "p"), ("c", "q"), ("d", "q")].map { try folder.append($0, for: $1) }
        #expect(try publisher.publishAll() == OutboxPublisher.interval)
        #expect(broker.taken == ["p: b", "q: a", "q: c", "q: d"])
        for id in ids { #expect(try folder.record(id)?.state == .published) }
        #expect(broker.connections == 1)
        #expect(log.lines.isEmpty)
    }

    @Test("A record that no worker would accept becomes a dead letter, and the others are published")
    func refusedMessage() throws {
        var publisher = publisher()
        broker.state.withLock { $0.refusals["bad"] = TaskBrokerError(.message, "its name is not valid") }
        let ids = try ["a", "bad", "b"].map { try folder.append($0, for: "q") }
        _ = try publisher.publishAll()
        #expect(broker.taken == ["q: a", "q: b"])
        let bad = try #require(try folder.record(ids[1]))
        #expect(bad.state == .failed)
        #expect(bad.error == "its name is not valid")
        #expect(log.lines.count == 1)
        #expect(log.lines[0].hasPrefix("error a task cannot be sent, and is a dead letter"))
    }

    @Test("A queue that refuses messages waits alone, and nothing overtakes") func refusingQueue() throws {
        var publisher = publisher()
        broker.state.withLock { $0.refusals["first"] = TaskBrokerError(.retry, "no such queue") }
        try folder.append("first", for: "q")
        try folder.append("second", for: "q")
        try folder.append("other", for: "r")
        #expect(try publisher.publishAll() < OutboxPublisher.interval)
        #expect(broker.taken == ["r: other"])
        broker.state.withLock { $0.refusals = [:] }
        try waitUntil { try (_ = publisher.publishAll(), broker.taken.count == 3).1 }
        #expect(broker.taken == ["r: other", "q: first", "q: second"])
        #expect(log.lines.count == 2)
        #expect(log.lines[0].hasPrefix("warning a queue accepts no tasks; they stay in the task store"))
        #expect(log.lines[1].hasPrefix("info the broker accepts tasks again"))
    }

    @Test("An unreachable broker is logged once, and is tried at growing intervals") func absent() throws {
        var publisher = publisher()
        broker.state.withLock { $0.absence = TaskBrokerError(.retry, "refused") }
        let id = try folder.append("a", for: "q")
        try waitUntil { try (_ = publisher.publishAll(), broker.connections == 2).1 }
        #expect(log.lines.count == 1)
        let record = try #require(try folder.record(id))
        #expect(record.state == .outgoing)
        #expect(record.error == "refused")
        // Not before its time, even if it is woken.
        for _ in 1...10 { _ = try publisher.publishAll() }
        #expect(broker.connections == 2)
        broker.state.withLock { $0.absence = nil }
        try waitUntil { try (_ = publisher.publishAll(), broker.taken == ["q: a"]).1 }
        #expect(log.lines.count == 2)
    }

    @Test(
        "An outage begins with the first failure, and ends with a success, or if nothing is left to publish")
    func outageSince() throws {
        var publisher = publisher()
        broker.state.withLock { $0.absence = TaskBrokerError(.retry, "refused") }
        _ = try publisher.publishAll()
        #expect(publisher.outageSince == nil)
        let id = try folder.append("a", for: "q")
        _ = try publisher.publishAll()
        let since = try #require(publisher.outageSince)
        try waitUntil { try (_ = publisher.publishAll(), broker.connections == 2).1 }
        #expect(publisher.outageSince == since)
        _ = try folder.taskStore.discard([id])
        try waitUntil { try (_ = publisher.publishAll(), publisher.outageSince == nil).1 }
        try folder.append("b", for: "q")
        try waitUntil { try (_ = publisher.publishAll(), publisher.outageSince != nil).1 }
        broker.state.withLock { $0.absence = nil }
        try waitUntil { try (_ = publisher.publishAll(), broker.taken == ["q: b"]).1 }
        #expect(publisher.outageSince == nil)
    }

    @Test("A broker with wrong settings is an error, and is tried seldom") func wrongSettings() throws {
        var publisher = publisher()
        broker.state.withLock { $0.absence = TaskBrokerError(.settings, "403") }
        try folder.append("a", for: "q")
        for _ in 1...10 { _ = try publisher.publishAll() }
        #expect(broker.connections == 1)
        #expect(log.lines.count == 1)
        #expect(log.lines[0].hasPrefix("error the broker accepts no tasks; they stay in the task store"))
        #expect(log.lines[0].contains("and again about every 60 s"), "\(log.lines[0])")
    }

    @Test("The next process tries at once, and all waiting records are published") func restarted() throws {
        var wrong = publisher()
        broker.state.withLock { $0.absence = TaskBrokerError(.settings, "403") }
        // More than one batch.
        for number in 1...100 { try folder.append("\(number)", for: "q") }
        _ = try wrong.publishAll()
        wrong.close()
        broker.state.withLock { $0.absence = nil }
        var corrected = publisher()
        _ = try corrected.publishAll()
        #expect(broker.taken == (1...100).map { "q: \($0)" })
    }

    @Test("A broker that the next process cannot reach either is logged again, and then tried seldom")
    func restartedInVain() throws {
        broker.state.withLock { $0.absence = TaskBrokerError(.settings, "403") }
        try folder.append("a", for: "q")
        for process in 1...2 {
            var publisher = publisher()
            for _ in 1...10 { _ = try publisher.publishAll() }
            #expect(broker.connections == process)
            #expect(log.lines.count == process)
        }
    }

    @Test("A connection that was closed while idle is replaced at once") func endedConnection() throws {
        var publisher = publisher()
        try folder.append("a", for: "q")
        _ = try publisher.publishAll()
        broker.state.withLock { $0.endsConnection = true }
        try folder.append("b", for: "q")
        _ = try publisher.publishAll()
        #expect(broker.taken == ["q: a", "q: b"])
        #expect(broker.connections == 2)
        #expect(log.lines.isEmpty)
    }

    @Test("Expired records are not published") func expired() throws {
        var publisher = publisher()
        let id = try folder.append("a", for: "q", expires: Date(timeIntervalSinceNow: -1))
        _ = try publisher.publishAll()
        #expect(broker.taken.isEmpty)
        #expect(try folder.record(id)?.state == .expired)
    }

    @Test("A queue that another process publishes is left to it, and is checked again soon") func taken()
        throws
    {
        var publisher = publisher()
        try folder.append("a", for: "q")
        var other = try folder.taskStore.publisher(of: "q")
        #expect(other != nil)
        #expect(try publisher.publishAll() <= .milliseconds(50))
        #expect(broker.taken.isEmpty)
        other = nil
        _ = try publisher.publishAll()
        #expect(broker.taken == ["q: a"])
    }

    @Test("Delays double up to a minute, with jitter") func delays() {
        var outage = OutageBackoff()
        let delays = (1...9).map { _ in outage.next(isSettings: false, random: 0) }
        #expect(delays.prefix(4) == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4)])
        #expect(delays.suffix(2) == [.seconds(60), .seconds(60)])
        #expect(outage.next(isSettings: false, random: 1) == .seconds(72))
        #expect(outage.next(isSettings: false, random: -1) == .seconds(48))
        for _ in 1...10_000 { _ = outage.next(isSettings: false) }
        var other = OutageBackoff()
        #expect(other.next(isSettings: true, random: 0) == .seconds(60))
        #expect(other.isToBeReported)
        #expect(other.nextTryText == "in 60 s, and again about every 60 s")
        _ = other.next(isSettings: true)
        #expect(!other.isToBeReported)
        var young = OutageBackoff()
        young.next(isSettings: false, random: 0)
        #expect(young.nextTryText == "in 0.5 s, then at growing intervals of up to about 60 s")
    }

    private func waitUntil(_ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(120)
        while try !condition() {
            try #require(ContinuousClock.now < end)
            usleep(2_000)
        }
    }
}
