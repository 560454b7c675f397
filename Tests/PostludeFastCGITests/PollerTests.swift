import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("Poller")
struct PollerTests {
    @Test("returns a request, takes the connection back, and returns its next request")
    func keptConnection() throws {
        let fixture = try PollerFixture()
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
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request() + Wire.request(), to: client)
        for _ in 0..<2 {
            try fixture.answerNext()
        }
    }

    @Test("loses no request if a read ends exactly between two of them")
    func fullReads() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        // The length is a power of two, so that the end of the read buffer is a request's end.
        let empty = Wire.request([("F", String(repeating: "x", count: 200))])
        let request = Wire.request([("F", String(repeating: "x", count: 200 + 1024 - empty.count))])
        #expect(request.count == 1024)
        send((0..<100).flatMap { _ in request }, to: client)
        for number in 1...100 {
            try fixture.answerNext("request \(number) was lost")
        }
    }

    @Test("sees the end that arrived together with a request", arguments: [true, false])
    func halfClosed(isAcceptedBefore: Bool) throws {
        let fixture = try PollerFixture()
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
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(keep: false), to: client)
        try fixture.answerNext(keep: false)
        #expect(isClosed(client))
        #expect(fixture.poller.connectionCount == 0)
        #expect(fixture.ends.all.isEmpty)
    }

    @Test("closes a connection whose head does not arrive, and counts it")
    func headTime() throws {
        let fixture = try PollerFixture(times: ConnectionTimes(head: .milliseconds(1)))
        let silent = try fixture.connect()
        let half = try fixture.connect()
        defer {
            close(silent)
            close(half)
        }
        send(Array(Wire.begin().prefix(5)), to: half)
        guard case .nothing = fixture.next(milliseconds: 100) else {
            Issue.record("half a head is not a request")
            return
        }
        fixture.poller.closeOverdue(at: .now + .seconds(1))
        #expect(isClosed(silent) && isClosed(half))
        #expect(fixture.ends.all == [.timedOut, .timedOut])
    }

    @Test("an idle kept connection is not closed, however long it idles")
    func idle() throws {
        let fixture = try PollerFixture(times: ConnectionTimes(head: .milliseconds(1)))
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(), to: client)
        try fixture.answerNext()
        fixture.poller.closeOverdue(at: .now + .seconds(1_000_000))
        #expect(fixture.poller.connectionCount == 1)
    }

    @Test("closes a peer that FCGI_WEB_SERVER_ADDRS does not list")
    func foreignPeer() throws {
        let fixture = try PollerFixture(webServers: "192.0.2.1")
        let client = try fixture.connect()
        defer { close(client) }
        guard case .nothing = fixture.next(milliseconds: 100) else {
            Issue.record("a foreign peer was served")
            return
        }
        #expect(isClosed(client))
        #expect(
            fixture.ends.all.map(\.label) == ["peer not allowed by FCGI_WEB_SERVER_ADDRS or listen.allow"])
    }

    @Test("draining serves the kernel's queue, closes idle connections, then stops every worker")
    func draining() throws {
        let fixture = try PollerFixture()
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

    @Test("a peer that speaks HTTP gets a complete response, is counted at once, and occupies nothing")
    func http() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        send(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), to: client)
        fixture.takeEvents { fixture.ends.all == [.violation(.http)] }
        #expect(received(client).hasPrefix("HTTP/1.1 400 "))
        #expect(isClosed(client))
        close(client)
        fixture.takeEvents { fixture.poller.connectionCount == 0 }
        #expect(fixture.ends.all == [.violation(.http)])
    }
}
