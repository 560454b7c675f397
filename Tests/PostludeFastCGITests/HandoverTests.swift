import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

/// Two pollers stand for two processes that share a listening socket.
@Suite("Handing connections over")
struct HandoverTests {
    private let old: PollerFixture
    private let new: PollerFixture

    init() throws {
        old = try PollerFixture(handover: HandoverQueue())
        new = try PollerFixture(sibling: old)
    }

    /// A connection that `old` has served once.
    private func kept() throws -> Int32 {
        let client = try old.connect()
        send(Wire.request(), to: client)
        try old.answerNext()
        return client
    }

    @Test("an idle kept connection goes to the process that serves on, and is served there")
    func idle() throws {
        let client = try kept()
        defer { close(client) }
        old.poller.drain(handingOver: true)
        #expect(old.poller.connectionCount == 0)
        guard case .stopped = old.next() else {
            Issue.record("the old process has nothing left to do")
            return
        }
        new.takeEvents { new.poller.connectionCount == 1 }
        for _ in 0..<2 {
            send(Wire.request(), to: client)
            try new.answerNext()
        }
        #expect(old.ends.all.isEmpty && new.ends.all.isEmpty)
        // No head is due: it may stay idle for as long as the web server likes.
        new.poller.closeOverdue(at: .now + .seconds(1_000_000))
        #expect(new.poller.connectionCount == 1)
    }

    @Test("a request that has arrived in the meantime goes with its connection")
    func unreadRequest() throws {
        let client = try kept()
        defer { close(client) }
        send(Wire.request(), to: client)
        old.poller.drain(handingOver: true)
        try new.answerNext()
        #expect(old.poller.connectionCount == 0)
    }

    @Test("half a request stays until it is answered, then its connection goes")
    func halfRequest() throws {
        let client = try kept()
        defer { close(client) }
        let request = Wire.request()
        send(Array(request.prefix(30)), to: client)
        guard case .nothing = old.next(milliseconds: 50) else {
            Issue.record("half a request is none")
            return
        }
        old.poller.drain(handingOver: true)
        #expect(old.poller.connectionCount == 1)
        send(Array(request.dropFirst(30)), to: client)
        try old.answerNext()
        #expect(old.poller.connectionCount == 0)
        send(Wire.request(), to: client)
        try new.answerNext()
    }

    @Test("a connection that a worker holds goes when the worker returns it")
    func inFlight() throws {
        let client = try old.connect()
        defer { close(client) }
        send(Wire.request(), to: client)
        let connection = try old.takeNext()
        old.poller.drain(handingOver: true)
        #expect(old.poller.connectionCount == 1)
        old.poller.giveBack(connection, keep: true, isOpen: true)
        #expect(old.poller.connectionCount == 0)
        send(Wire.request(), to: client)
        try new.answerNext()
    }

    @Test("a connection that is not to be kept is closed, not handed over")
    func notKept() throws {
        let client = try old.connect()
        defer { close(client) }
        send(Wire.request(keep: false), to: client)
        let connection = try old.takeNext()
        old.poller.drain(handingOver: true)
        old.poller.giveBack(connection, keep: false, isOpen: true)
        #expect(isClosed(client))
        #expect(try old.poller.handover?.message() == .nudge)
        #expect(try old.poller.handover?.message() == nil)
    }

    @Test("connections in the kernel's queue are handed over, too, and their heads are still due in time")
    func queuedByTheKernel() throws {
        let silent = try old.connect()
        let asking = try old.connect()
        defer {
            close(silent)
            close(asking)
        }
        send(Wire.request(), to: asking)
        old.poller.drain(handingOver: true)
        #expect(old.poller.connectionCount == 0)
        try new.answerNext()
        new.takeEvents { new.poller.connectionCount == 2 }
        new.poller.closeOverdue(at: .now + .seconds(60))
        #expect(isClosed(silent))
        #expect(new.poller.connectionCount == 1)
    }

    @Test("if the queue is full, a kept connection stays open, and goes when there is room")
    func fullQueue() throws {
        let client = try kept()
        defer { close(client) }
        let queue = try #require(old.poller.handover)
        var bytes: Int32 = 1
        setsockopt(queue.sending, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        var nudges = 0
        while sendDescriptor(nil, note: 1, to: queue.sending) { nudges += 1 }
        #expect(nudges > 0)
        old.poller.drain(handingOver: true)
        #expect(old.poller.connectionCount == 1)
        // It is served here as long as it is here.
        send(Wire.request(), to: client)
        try old.answerNext()
        #expect(old.poller.connectionCount == 1)
        for _ in 0..<nudges { #expect(try queue.message() == .nudge) }
        old.poller.handOverReady()
        #expect(old.poller.connectionCount == 0)
        send(Wire.request(), to: client)
        try new.answerNext()
    }

    @Test("without a queue a kept connection stays until the web server closes it")
    func noQueue() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        send(Wire.request(), to: client)
        try fixture.answerNext()
        fixture.poller.drain(handingOver: true)
        #expect(fixture.poller.connectionCount == 1)
        close(client)
        guard case .stopped = fixture.next() else {
            Issue.record("nothing is left")
            return
        }
        #expect(fixture.ends.all.isEmpty)
    }

    @Test(
        "a process without a free worker hands over kept connections whose next request has come, and no others"
    )
    func busy() throws {
        let silent = try kept()
        let asking = try kept()
        defer {
            close(silent)
            close(asking)
        }
        send(Wire.request(), to: asking)
        old.poller.handOverReady()
        #expect(old.poller.connectionCount == 1)
        try new.answerNext()
        #expect(new.poller.connectionCount == 1)
        // The other connection is served in its process.
        send(Wire.request(), to: silent)
        try old.answerNext()
    }

    @Test("a process that cannot accept notifies the others of waiting connections on the listening socket")
    func nudge() throws {
        let client = try old.connect()
        defer { close(client) }
        // As if the kernel had notified only `old`, whose workers are busy.
        new.poller.epoll.remove(new.poller.listener.descriptor)
        send(Wire.request(), to: client)
        old.poller.handOverReady()
        try new.answerNext()
    }

    @Test("a stop after the beginning of a handover closes the remaining connections")
    func stopAfterHandingOver() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(), to: client)
        try fixture.answerNext()
        fixture.poller.drain(handingOver: true)
        #expect(fixture.poller.connectionCount == 1)
        fixture.poller.drain()
        #expect(isClosed(client))
        #expect(fixture.poller.connectionCount == 0)
    }

    @Test("a stop of all processes serves the remaining connections of the queue")
    func stopWithQueue() throws {
        let silent = try kept()
        let asking = try kept()
        defer {
            close(silent)
            close(asking)
        }
        send(Wire.request(), to: asking)
        old.poller.drain(handingOver: true)
        new.poller.drain()
        #expect(isClosed(silent))
        try new.answerNext()
        #expect(isClosed(asking))
    }

    @Test("under load, connections move between processes and no request is lost")
    func load() throws {
        let clients = try (0..<16).map { _ in try kept() }
        defer { for client in clients { close(client) } }
        let served = Lock(0)
        func serve(_ fixture: PollerFixture) throws -> TestThread {
            try TestThread {
                while true {
                    switch fixture.next(milliseconds: 2000) {
                    case .request(let connection):
                        _ = connection.takeRequest()
                        served.withLock { $0 += 1 }
                        fixture.poller.giveBack(connection, keep: true, isOpen: true)
                    case .refused, .called, .nothing, .stopped: return
                    }
                }
            }
        }
        let threads = try [serve(old), serve(new), serve(new)]
        for round in 1...50 {
            for client in clients { send(Wire.request(), to: client) }
            if round < 25 { old.poller.handOverReady() }
            if round == 25 { old.poller.drain(handingOver: true) }
        }
        for thread in threads { thread.join() }
        #expect(served.withLock { $0 } == 16 * 50)
        #expect(old.poller.connectionCount == 0 && new.poller.connectionCount == 16)
    }
}
