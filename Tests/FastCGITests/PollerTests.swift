import Foundation
import Linux
import Testing

@testable import FastCGI

@Suite("Poller")
struct PollerTests {
    /// A poller on a free port of 127.0.0.1, with what it reported.
    private final class Fixture: Sendable {
        let poller: Poller
        let port: UInt16
        let ends: Ends

        final class Ends: Sendable {
            private let list = Lock<[ConnectionEnd]>([])
            var all: [ConnectionEnd] { list.withLock { $0 } }
            func append(_ end: ConnectionEnd) { list.withLock { $0.append(end) } }
        }

        init(times: ConnectionTimes = ConnectionTimes(), webServers: String? = nil) throws {
            let listener = try Listener.open(SocketAddress(parsing: "127.0.0.1:0"))
            guard case .ipv4(_, let port) = listener.address else { throw ListenError.noSocket }
            self.port = port
            let ends = Ends()
            self.ends = ends
            poller = try Poller(
                listener: listener, webServers: WebServerAddresses(webServers), limits: GateLimits(),
                times: times, width: 2, onNoneWaiting: {}, report: { ends.append($0) })
        }

        func connect() throws -> Int32 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let address = try SocketAddress(parsing: "127.0.0.1:\(port)")
            let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
            #expect(result == 0)
            return descriptor
        }

        func next(milliseconds: Int32 = 5000) -> Poller.Next {
            poller.next(reading: ReadBuffer(), waiting: milliseconds) { _ in .collect(limit: 1 << 20) }
        }

        /// Takes the next request and gives its connection back as if it had been answered.
        func answerNext(_ comment: Comment = "no request", keep: Bool = true) throws {
            var taken: Connection?
            if case .request(let connection) = next() { taken = connection }
            let connection = try #require(taken, comment)
            _ = connection.takeRequest()
            poller.giveBack(connection, keep: keep, isOpen: true)
        }
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) {
        #expect(bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) } == bytes.count)
    }

    private func isClosed(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) <= 0
    }

    @Test("gives a request, takes the connection back, and gives its next request")
    func keptConnection() throws {
        let fixture = try Fixture()
        let client = try fixture.connect()
        defer { close(client) }
        for _ in 0..<3 {
            send(Wire.request(), to: client)
            try fixture.answerNext()
        }
        #expect(fixture.poller.connectionCount == 1)
    }

    @Test("a second request that came with the first is ready at once")
    func pipelined() throws {
        let fixture = try Fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request() + Wire.request(), to: client)
        for _ in 0..<2 {
            try fixture.answerNext()
        }
    }

    @Test("loses no request where a read ends exactly between two of them")
    func fullReads() throws {
        let fixture = try Fixture()
        let client = try fixture.connect()
        defer { close(client) }
        // A power of two long, so that the reads' buffer ends at a request's end.
        let empty = Wire.request([("F", String(repeating: "x", count: 200))])
        let request = Wire.request([("F", String(repeating: "x", count: 200 + 1024 - empty.count))])
        #expect(request.count == 1024)
        send((0..<100).flatMap { _ in request }, to: client)
        for number in 1...100 {
            try fixture.answerNext("request \(number) was lost")
        }
    }

    @Test("sees the end that came together with a request", arguments: [true, false])
    func halfClosed(isAcceptedBefore: Bool) throws {
        let fixture = try Fixture()
        let client = try fixture.connect()
        defer { close(client) }
        if isAcceptedBefore {
            guard case .nothing = fixture.next(milliseconds: 50) else {
                Issue.record("nothing was sent yet")
                return
            }
        }
        send(Wire.request(), to: client)
        shutdown(client, Int32(SHUT_WR))
        try fixture.answerNext()
        guard case .nothing = fixture.next(milliseconds: 50) else {
            Issue.record("there is no second request")
            return
        }
        #expect(fixture.poller.connectionCount == 0)
        #expect(fixture.ends.all.isEmpty)
    }

    @Test("closes a connection that is not to be kept")
    func notKept() throws {
        let fixture = try Fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(keep: false), to: client)
        try fixture.answerNext(keep: false)
        #expect(isClosed(client))
        #expect(fixture.poller.connectionCount == 0)
        #expect(fixture.ends.all.isEmpty)
    }

    @Test("gives up a head that does not come, and counts it")
    func headTime() throws {
        let fixture = try Fixture(times: ConnectionTimes(head: .milliseconds(1)))
        let silent = try fixture.connect()
        let half = try fixture.connect()
        defer {
            close(silent)
            close(half)
        }
        send(Array(Wire.begin().prefix(5)), to: half)
        guard case .nothing = fixture.next(milliseconds: 100) else {
            Issue.record("half a head is no request")
            return
        }
        fixture.poller.closeOverdue(at: .now + .seconds(1))
        #expect(isClosed(silent) && isClosed(half))
        #expect(fixture.ends.all == [.timedOut, .timedOut])
    }

    @Test("a kept connection that is idle is not closed, however long")
    func idle() throws {
        let fixture = try Fixture(times: ConnectionTimes(head: .milliseconds(1)))
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(), to: client)
        try fixture.answerNext()
        fixture.poller.closeOverdue(at: .now + .seconds(1_000_000))
        #expect(fixture.poller.connectionCount == 1)
    }

    @Test("closes a peer that FCGI_WEB_SERVER_ADDRS does not list")
    func foreignPeer() throws {
        let fixture = try Fixture(webServers: "192.0.2.1")
        let client = try fixture.connect()
        defer { close(client) }
        guard case .nothing = fixture.next(milliseconds: 100) else {
            Issue.record("a foreign peer was served")
            return
        }
        #expect(isClosed(client))
        #expect(fixture.ends.all.map(\.label) == ["peer not in FCGI_WEB_SERVER_ADDRS"])
    }

    @Test("draining serves what the kernel has queued, closes what is idle, then stops every worker")
    func draining() throws {
        let fixture = try Fixture()
        let idle = try fixture.connect()
        send(Wire.request(), to: idle)
        guard case .request(let first) = fixture.next() else {
            Issue.record("no request")
            return
        }
        _ = first.takeRequest()
        fixture.poller.giveBack(first, keep: true, isOpen: true)
        let queued = try fixture.connect()
        defer {
            close(idle)
            close(queued)
        }
        send(Wire.request(), to: queued)
        fixture.poller.drain()
        #expect(isClosed(idle))
        guard case .request(let last) = fixture.next() else {
            Issue.record("the queued connection was not served")
            return
        }
        _ = last.takeRequest()
        fixture.poller.giveBack(last, keep: true, isOpen: true)
        #expect(isClosed(queued))
        for _ in 0..<3 {
            guard case .stopped = fixture.next() else {
                Issue.record("a worker was not told to stop")
                return
            }
        }
    }
}
