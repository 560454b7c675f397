import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("Poller: times")
struct PollerTimeTests {
    /// Lets arrived bytes be read, none of which complete a request.
    private func read(_ fixture: PollerFixture) {
        guard case .nothing = fixture.next(milliseconds: 50) else {
            Issue.record("there is no whole request")
            return
        }
    }

    @Test("a body whose rest does not arrive is answered 408, and its connection closed")
    func lateBody() throws {
        let fixture = try PollerFixture(times: ConnectionTimes(read: .seconds(20)))
        let client = try fixture.connect()
        defer { close(client) }
        send(Array(Wire.post("0123456789").dropLast(13)), to: client)
        read(fixture)
        fixture.poller.closeOverdue(at: .now + .seconds(15))
        #expect(fixture.ends.all.isEmpty)
        fixture.poller.closeOverdue(at: .now + .seconds(25))
        #expect(received(client).contains("Status: 408 Request Timeout\r\n"))
        #expect(isClosed(client))
        #expect(fixture.ends.all == [.timedOut])
        // Bytes that it still sends are dropped until it closes.
        send(Array(Wire.post("0123456789").suffix(13)), to: client)
        close(dup2(open("/dev/null", O_RDONLY), client))
        fixture.takeEvents { fixture.poller.connectionCount == 0 }
    }

    @Test("a body that arrives byte by byte is closed when its bytes have not earned more time")
    func trickledBody() throws {
        let fixture = try PollerFixture(times: ConnectionTimes(read: .milliseconds(300), leastRate: 500))
        let client = try fixture.connect()
        defer { close(client) }
        send(
            Wire.begin() + Wire.params([("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "1000")]), to: client)
        let start = MonotonicTime.now
        while fixture.ends.all.isEmpty, .now - start < .seconds(10) {
            send(Wire.record(5, [1]), to: client)
            read(fixture)
            fixture.poller.closeOverdue(at: .now)
        }
        #expect(fixture.ends.all == [.timedOut])
        #expect(.now - start < .seconds(5))
        #expect(received(client).contains("Status: 408"))
    }

    @Test("a streamed body that arrives byte by byte does not occupy its worker for ever")
    func trickledStream() throws {
        let fixture = try PollerFixture(times: ConnectionTimes(leastRate: 500), policy: .stream(limit: 1000))
        let client = try fixture.connect()
        defer { close(client) }
        send(
            Wire.begin() + Wire.params([("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "1000")]), to: client)
        let connection = try fixture.takeNext()
        let isOver = Lock(false)
        let sender = try TestThread {
            while !isOver.withLock({ $0 }) {
                _ = Wire.record(5, [1]).withUnsafeBytes {
                    Glibc.send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                usleep(20_000)
            }
        }
        let buffer = ReadBuffer()
        let start = MonotonicTime.now
        var error: BodyError?
        while error == nil, .now - start < .seconds(10) {
            do throws(BodyError) {
                _ = try connection.readBody(into: buffer, within: .milliseconds(300))
            } catch let other {
                error = other
            }
        }
        isOver.withLock { $0 = true }
        sender.join()
        #expect(error == .timedOut)
        #expect(.now - start < .seconds(5))
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        #expect(isClosed(client) || !received(client).isEmpty)
    }

    @Test("a request that no worker could read gets its time again, since the web server was not slow")
    func busyWorkers() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(), to: client)
        try fixture.answerNext()
        send(Array(Wire.request().prefix(20)), to: client)
        read(fixture)
        send(Array(Wire.request().dropFirst(20)), to: client)
        fixture.poller.closeOverdue(at: .now + .seconds(11))
        #expect(fixture.ends.all.isEmpty)
        try fixture.answerNext()
    }

    @Test("half a body is closed soon when the process stops, with 503, and delays nothing")
    func drainingHalfBody() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Array(Wire.post("0123456789").dropLast(13)), to: client)
        read(fixture)
        fixture.poller.drain(unfinishedFor: .seconds(2))
        #expect(!fixture.poller.hasStopped)
        fixture.poller.closeOverdue(at: .now + .seconds(1))
        #expect(!fixture.poller.hasStopped)
        fixture.poller.closeOverdue(at: .now + .seconds(3))
        #expect(received(client).contains("Status: 503"))
        fixture.poller.closeOverdue(at: .now + .seconds(3))
        #expect(fixture.poller.hasStopped)
    }

    @Test("a streamed body that stalls delays a stopping process no longer than that")
    func drainingStream() throws {
        let fixture = try PollerFixture(policy: .stream(limit: 1000))
        let client = try fixture.connect()
        defer { close(client) }
        send(
            Wire.begin() + Wire.params([("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "1000")]), to: client)
        let connection = try fixture.takeNext()
        fixture.poller.drain(unfinishedFor: .milliseconds(100))
        let start = MonotonicTime.now
        #expect(throws: BodyError.timedOut) {
            _ = try connection.readBody(into: ReadBuffer(), within: .seconds(60))
        }
        #expect(.now - start < .seconds(5))
        fixture.poller.giveBack(connection, keep: false, isOpen: true)
    }

    @Test("the drain after a response is bounded in bytes")
    func lingering() throws {
        let fixture = try PollerFixture(limits: GateLimits(drain: 100_000), policy: .ignore)
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.begin() + Wire.params([("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "1")]), to: client)
        try fixture.answerNext(keep: false)
        #expect(fixture.poller.connectionCount == 1)
        let flood = [UInt8](repeating: 0, count: 20_000)
        for number in 1...6 where fixture.poller.connectionCount == 1 {
            send(flood, to: client)
            read(fixture)
            #expect(fixture.poller.connectionCount == (number < 6 ? 1 : 0))
        }
    }
}
