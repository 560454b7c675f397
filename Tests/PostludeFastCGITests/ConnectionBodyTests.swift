import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("Connection: streamed bodies")
struct ConnectionBodyTests {
    private let buffer = ReadBuffer()

    private func fixture(limits: GateLimits = GateLimits()) throws -> PollerFixture {
        try PollerFixture(limits: limits, policy: .stream(limit: 8 << 20))
    }

    private func head(length: Int?, keep: Bool = true) -> [UInt8] {
        let length = length.map { "\($0)" } ?? ""
        return Wire.begin(keep: keep)
            + Wire.params([("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", length)])
    }

    private func stdin(_ text: String) -> [UInt8] { Wire.record(5, Array(text.utf8)) }

    private func text(_ connection: Connection, within time: Duration = .seconds(5)) throws -> String? {
        try connection.readBody(into: buffer, within: time).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("returns each piece as it arrives, then the end, and the connection is kept")
    func pieces() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        for _ in 0..<2 {
            send(head(length: 6), to: client)
            let connection = try fixture.takeNext()
            #expect(connection.streamsBody)
            for piece in ["ab", "cd", "ef"] {
                send(stdin(piece), to: client)
                #expect(try text(connection) == piece)
            }
            send(Wire.record(5), to: client)
            #expect(connection.streamsBody)
            #expect(try text(connection) == nil)
            #expect(try text(connection) == nil)
            #expect(!connection.streamsBody)
            fixture.poller.giveBack(connection, keep: true, isOpen: true)
        }
        #expect(fixture.poller.connectionCount == 1)
        #expect(fixture.ends.all.isEmpty)
    }

    @Test("waits for a piece that another thread sends")
    func waits() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(head(length: nil) + Array(stdin("late").prefix(8)), to: client)
        let connection = try fixture.takeNext()
        let thread = try TestThread {
            // The reader gets a header first, and then half a piece.
            usleep(20_000)
            send(Array("late".utf8), to: client)
        }
        #expect(try text(connection) == "late")
        thread.join()
    }

    @Test("a large body arrives in pieces of at most a buffer's size")
    func large() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        let content = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let thread = try TestThread { [head = head(length: content.count)] in
            var records = head
            for start in stride(from: 0, to: content.count, by: 32 << 10) {
                records += Wire.record(5, Array(content[start..<min(start + (32 << 10), content.count)]))
            }
            send(records + Wire.record(5) + Wire.request(), to: client)
        }
        let connection = try fixture.takeNext()
        var received: [UInt8] = []
        while let piece = try connection.readBody(into: buffer, within: .seconds(5)) {
            #expect(!piece.isEmpty && piece.count <= buffer.bytes.count)
            received += piece
        }
        thread.join()
        #expect(received == content)
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        try fixture.answerNext("the request behind the body was lost")
    }

    @Test("returns the bytes that came with the head, and keeps those after the body for the next request")
    func together() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.post("one") + Wire.post("two") + Wire.request(), to: client)
        for body in ["one", "two"] {
            let connection = try fixture.takeNext()
            #expect(try text(connection, within: .zero) == body)
            #expect(try text(connection, within: .zero) == nil)
            fixture.poller.giveBack(connection, keep: true, isOpen: true)
        }
        try fixture.answerNext()
    }

    @Test("closes the connection if a piece does not arrive in time; the error persists")
    func timeOut() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(head(length: 4) + stdin("ab"), to: client)
        let connection = try fixture.takeNext()
        #expect(try text(connection) == "ab")
        let start = MonotonicTime.now
        #expect(throws: BodyError.timedOut) { try text(connection, within: .milliseconds(20)) }
        #expect(.now - start >= .milliseconds(20))
        send(stdin("cd") + Wire.record(5), to: client)
        #expect(throws: BodyError.timedOut) { try text(connection) }
        #expect(connection.streamsBody)
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        #expect(isClosed(client))
        #expect(fixture.ends.all == [.timedOut])
    }

    @Test("reports that the client went away, by a close or a reset", arguments: [false, true])
    func cutShort(isReset: Bool) throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        send(head(length: 4), to: client)
        let connection = try fixture.takeNext()
        if isReset {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        } else {
            send(stdin("ab"), to: client)
        }
        close(client)
        if !isReset { #expect(try text(connection) == "ab") }
        for _ in 0..<2 { #expect(throws: BodyError.cutShort) { try text(connection) } }
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        fixture.takeEvents { fixture.poller.connectionCount == 0 }
        #expect(fixture.ends.all.first == .cutShort)
    }

    @Test(
        "closes after a body with an error, although the connection was to be kept",
        arguments: [
            (stdin: Wire.record(5, [1]) + Wire.record(5), error: BodyError.length),
            (Wire.record(5, [1, 2, 3, 4, 5]), .length), (Wire.record(5, [1]) + Wire.record(2), .aborted),
            (Wire.record(5, [1]) + Wire.begin(), .violation(.repeatedBeginRequest(id: 1))),
        ])
    func errors(stdin: [UInt8], error: BodyError) throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(head(length: 4) + stdin + Wire.request(), to: client)
        let connection = try fixture.takeNext()
        #expect(throws: error) {
            while let piece = try connection.readBody(into: buffer, within: .seconds(5)) {
                #expect(piece == [1])
            }
        }
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        #expect(isClosed(client))
        fixture.takeEvents { fixture.ends.all == (ConnectionEnd(error).map { [$0] } ?? []) }
    }

    @Test("drains what the handler did not read, then serves the next request", arguments: [0, 1])
    func unreadRest(pieces: Int) throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        let size = 300_000
        let thread = try TestThread { [head = head(length: size)] in
            var records = head
            for _ in 0..<10 { records += Wire.record(5, [UInt8](repeating: 1, count: size / 10)) }
            send(records + Wire.record(5) + Wire.request(), to: client)
        }
        let connection = try fixture.takeNext()
        for _ in 0..<pieces { #expect(try text(connection) != nil) }
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        let next = try fixture.takeNext()
        #expect(next === connection && !next.streamsBody)
        fixture.poller.giveBack(next, keep: true, isOpen: true)
        thread.join()
        #expect(fixture.poller.connectionCount == 1)
    }

    @Test("closes if the rest is larger than the drain's bound")
    func restTooLarge() throws {
        let fixture = try fixture(limits: GateLimits(drain: 1000))
        let client = try fixture.connect()
        defer { close(client) }
        send(head(length: 5000) + Wire.record(5, [UInt8](repeating: 1, count: 2000)), to: client)
        let connection = try fixture.takeNext()
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        fixture.takeEvents { fixture.poller.connectionCount == 0 }
        #expect(isClosed(client))
        #expect(fixture.ends.all == [.violation(.flood)])
    }

    @Test("closes if the rest does not arrive in time, also if some of it came with the head")
    func restTooLate() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(head(length: 4) + stdin("ab"), to: client)
        try fixture.answerNext()
        guard case .nothing = fixture.next(milliseconds: 50) else {
            Issue.record("there is no second request")
            return
        }
        fixture.poller.closeOverdue(at: .now + .seconds(11))
        #expect(fixture.poller.connectionCount == 0)
        #expect(fixture.ends.all == [.timedOut])
    }

    @Test("answers GET_VALUES in the middle of a body")
    func management() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        let ask = Wire.record(9, Wire.pair("FCGI_MPXS_CONNS", ""), id: 0)
        send(head(length: 2) + stdin("a") + ask + stdin("b") + Wire.record(5), to: client)
        let connection = try fixture.takeNext()
        var body = ""
        while let piece = try text(connection) { body += piece }
        #expect(body == "ab")
        let answer = Wire.record(10, Wire.pair("FCGI_MPXS_CONNS", "0"), id: 0)
        var received = [UInt8](repeating: 0, count: answer.count)
        #expect(recv(client, &received, received.count, Int32(MSG_WAITALL)) == answer.count)
        #expect(received == answer)
    }

    @Test("does not read from a descriptor that libfcgi has closed")
    func forgotten() throws {
        let fixture = try fixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(head(length: 4) + stdin("ab"), to: client)
        let connection = try fixture.takeNext()
        connection.forgetDescriptor()
        #expect(throws: BodyError.cutShort) { try text(connection) }
    }
}
