import Glibc
import PostludeSystem
import Synchronization
import Testing

@testable import PostludeFastCGI

/// Two pollers stand for two processes that share a listening socket. One of them may have more room for
/// tasks.
@Suite("Offering connections to a process with more room")
struct OfferingTests {
    private let full: PollerFixture
    private let free: PollerFixture
    private let isRoomElsewhere = Flag()

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)

        var isSet: Bool {
            get { value.load(ordering: .sequentiallyConsistent) }
            set { value.store(newValue, ordering: .sequentiallyConsistent) }
        }
    }

    init() throws {
        let flag = isRoomElsewhere
        full = try PollerFixture(handover: HandoverQueue(), isRoomElsewhere: { flag.isSet })
        free = try PollerFixture(sibling: full)
    }

    /// A connection that `full` has served once.
    private func kept() throws -> Int32 {
        let client = try full.connect()
        send(Wire.request(), to: client)
        // Both processes share the listening socket.
        free.poller.epoll.remove(free.poller.listener.descriptor)
        try full.answerNext()
        return client
    }

    private func expectNothing(_ fixture: PollerFixture, _ location: SourceLocation = #_sourceLocation) {
        guard case .nothing = fixture.next(milliseconds: 50) else {
            Issue.record("this process should have nothing to serve", sourceLocation: location)
            return
        }
    }

    @Test(
        "a request moves with its kept connection to the process with room, and the next ones are served there"
    )
    func moves() throws {
        let client = try kept()
        defer { close(client) }
        isRoomElsewhere.isSet = true
        send(Wire.request(), to: client)
        expectNothing(full)
        #expect(full.poller.connectionCount == 0)
        for _ in 0..<2 {
            try free.answerNext()
            send(Wire.request(), to: client)
        }
        try free.answerNext()
        #expect(full.ends.all.isEmpty && free.ends.all.isEmpty)
    }

    @Test("a new connection moves, too, and its head is due in time")
    func newConnection() throws {
        isRoomElsewhere.isSet = true
        free.poller.epoll.remove(free.poller.listener.descriptor)
        let client = try full.connect()
        defer { close(client) }
        expectNothing(full)
        #expect(full.poller.connectionCount == 0)
        free.takeEvents { free.poller.connectionCount == 1 }
        free.poller.closeOverdue(at: .now + .seconds(60))
        #expect(isClosed(client))
    }

    @Test("if there is room here, or nowhere, a request is served here")
    func stays() throws {
        let client = try kept()
        defer { close(client) }
        send(Wire.request(), to: client)
        try full.answerNext()
        #expect(!full.poller.isReceivingPaused)
    }

    @Test("a request that has begun to arrive is served here")
    func halfRequest() throws {
        let client = try kept()
        defer { close(client) }
        let request = Wire.request()
        send(Array(request.prefix(30)), to: client)
        expectNothing(full)
        isRoomElsewhere.isSet = true
        send(Array(request.dropFirst(30)), to: client)
        try full.answerNext()
    }

    @Test("the web server's close is noticed in the process that has the connection")
    func closed() throws {
        let client = try kept()
        isRoomElsewhere.isSet = true
        close(client)
        full.takeEvents { full.poller.connectionCount == 0 }
        #expect(try full.poller.handover?.message() == nil)
    }

    @Test("the process that gives connections away leaves the queue to others until it has room again")
    func away() throws {
        let client = try kept()
        defer { close(client) }
        isRoomElsewhere.isSet = true
        send(Wire.request(), to: client)
        expectNothing(full)
        #expect(full.poller.isReceivingPaused)
        expectNothing(full)
        isRoomElsewhere.isSet = false
        full.poller.resumeReceiving()
        #expect(!full.poller.isReceivingPaused)
        try full.answerNext("what waits in the queue is taken now")
    }

    @Test("it takes connections back if the others have no more room either")
    func reconsiders() throws {
        let client = try kept()
        defer { close(client) }
        isRoomElsewhere.isSet = true
        send(Wire.request(), to: client)
        expectNothing(full)
        full.poller.resumeReceivingIfNeeded(at: .now)
        #expect(full.poller.isReceivingPaused)
        isRoomElsewhere.isSet = false
        full.poller.resumeReceivingIfNeeded(at: .now)
        #expect(!full.poller.isReceivingPaused)
        try full.answerNext()
    }

    @Test(
        "connections that no other process takes are taken back, and none is given away during the next second"
    )
    func stuck() throws {
        let client = try kept()
        defer { close(client) }
        isRoomElsewhere.isSet = true
        send(Wire.request(), to: client)
        expectNothing(full)
        let start = MonotonicTime.now
        full.poller.resumeReceivingIfNeeded(at: start)
        #expect(full.poller.isReceivingPaused)
        full.poller.resumeReceivingIfNeeded(at: start + .milliseconds(39))
        #expect(full.poller.isReceivingPaused)
        full.poller.resumeReceivingIfNeeded(at: start + .seconds(3600))
        #expect(!full.poller.isReceivingPaused)
        try full.answerNext()
        send(Wire.request(), to: client)
        try full.answerNext()
    }

    @Test("if the queue is full, a request is served here")
    func fullQueue() throws {
        let clients = try (0..<2).map { _ in try kept() }
        defer { for client in clients { close(client) } }
        isRoomElsewhere.isSet = true
        send(Wire.request(), to: clients[0])
        // From now on it takes nothing from the queue.
        expectNothing(full)
        let queue = try #require(full.poller.handover)
        var bytes: Int32 = 1
        setsockopt(queue.sending, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        while sendDescriptor(nil, note: 1, to: queue.sending) {}
        send(Wire.request(), to: clients[1])
        try full.answerNext()
    }

    @Test("processes that each believe the other to be free do not send a request back and forth")
    func noPingPong() throws {
        let other = try PollerFixture(sibling: full, isRoomElsewhere: { true })
        free.poller.epoll.remove(free.poller.handover?.receiving ?? -1)
        other.poller.epoll.remove(other.poller.listener.descriptor)
        let client = try kept()
        defer { close(client) }
        isRoomElsewhere.isSet = true
        send(Wire.request(), to: client)
        var moves = 0
        for turn in 0..<20 {
            let fixture = turn % 2 == 0 ? full : other
            // Makes the control threads' findings immediate.
            fixture.poller.resumeReceiving()
            guard case .request(let connection) = fixture.next(milliseconds: 20) else { continue }
            moves = connection.moves
            break
        }
        #expect(moves == 3)
    }

    @Test("under load, while room moves between processes, no request is lost and no connection closed")
    func load() throws {
        let flags = (0..<3).map { _ in Flag() }
        let first = try PollerFixture(handover: HandoverQueue(), isRoomElsewhere: { flags[0].isSet })
        let fixtures =
            [first]
            + (try (1..<3).map { number in
                try PollerFixture(sibling: first, isRoomElsewhere: { flags[number].isSet })
            })
        let clients = try (0..<16).map { _ in try first.connect() }
        defer { for client in clients { close(client) } }
        let served = Atomic<Int>(0)
        let rounds = 100
        let total = clients.count * rounds
        let threads = try fixtures.indices.flatMap { index in
            let fixture = fixtures[index]
            let controlThread = try TestThread {
                while served.load(ordering: .sequentiallyConsistent) < total {
                    waitForInput([], milliseconds: 2)
                    fixture.poller.resumeReceivingIfNeeded(at: .now)
                }
            }
            let workers = try (0..<2).map { _ in
                try TestThread {
                    while served.load(ordering: .sequentiallyConsistent) < total {
                        guard case .request(let connection) = fixture.next(milliseconds: 20) else { continue }
                        _ = connection.takeRequest()
                        let count = served.add(1, ordering: .sequentiallyConsistent).newValue
                        // Makes this process the one without room, and then another.
                        flags[index].isSet = count % 3 == 0
                        if count % 3 != 0 { fixture.poller.resumeReceiving() }
                        fixture.poller.giveBack(connection, keep: true, isOpen: true)
                    }
                }
            }
            return workers + [controlThread]
        }
        for _ in 0..<rounds {
            for client in clients { send(Wire.request(), to: client) }
        }
        for thread in threads { thread.join() }
        #expect(served.load(ordering: .sequentiallyConsistent) == total)
        #expect(fixtures.reduce(0) { $0 + $1.poller.connectionCount } == clients.count)
        #expect(fixtures.allSatisfy { $0.ends.all.isEmpty })
    }
}
