import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("ParkedResponses")
struct ParkedResponsesTests {
    /// Pieces that a test adds.
    private final class Source: OutputSource {
        private struct State {
            var pieces: [StdoutRecords] = []
            var dropped = 0
            var isFinished = false
            var listeners: [ObjectIdentifier: any OutputListener] = [:]
        }

        private let state = Lock(State())

        var listenerCount: Int { state.withLock { $0.listeners.count } }

        func add(_ text: String) { add(Array(text.utf8)) }

        func add(_ content: [UInt8]) {
            tell { $0.pieces.append(StdoutRecords(content)) }
        }

        func finish() { tell { $0.isFinished = true } }

        /// Drops all pieces but the last `count`.
        func keep(_ count: Int) {
            state.withLock { $0.dropped = $0.pieces.count - count }
        }

        private func tell(_ change: (inout State) -> Void) {
            let listeners: [any OutputListener] = state.withLock { state in
                change(&state)
                return Array(state.listeners.values)
            }
            for listener in listeners { listener.outputChanged(of: self) }
        }

        func output(after position: Int) -> Output {
            state.withLock { state in
                guard position >= state.dropped else { return .lost }
                let rest = Array(state.pieces[position...].prefix(10))
                if rest.isEmpty, state.isFinished { return .end }
                let hasMore = position + rest.count < state.pieces.count || state.isFinished
                return .pieces(rest, andMore: hasMore)
            }
        }

        func lastID(at position: Int) -> String? { position == 0 ? nil : "id \(position)" }

        func add(_ listener: any OutputListener) {
            state.withLock { $0.listeners[ObjectIdentifier(listener)] = listener }
        }

        func remove(_ listener: any OutputListener) {
            state.withLock { $0.listeners[ObjectIdentifier(listener)] = nil }
        }
    }

    /// A poller, and the thread that serves parked responses, which is the test's.
    private struct Process {
        let fixture: PollerFixture
        let responses: ParkedResponses
        let loop: ParkedResponseLoop

        init(
            limits: GateLimits = GateLimits(), handover: HandoverQueue? = nil, sibling: PollerFixture? = nil
        ) throws {
            fixture = try PollerFixture(limits: limits, handover: handover, sibling: sibling)
            responses = try ParkedResponses(of: fixture.poller)
            loop = ParkedResponseLoop(responses)
        }

        /// Parks the response to a new request.
        ///
        /// - Returns: the web server's end of the connection.
        func park(
            _ source: Source, after position: Int = 0, request: [UInt8] = Wire.request(),
            keepAlive: Duration = .seconds(3600), writeTime: Duration = .seconds(3600)
        ) throws -> Int32 {
            let client = try fixture.connect()
            send(request, to: client)
            var taken: Connection?
            if case .request(let connection) = fixture.next() { taken = connection }
            let connection = try #require(taken, "no request")
            #expect(responses.reserve(atMost: .max) && connection.canPark)
            responses.park(
                ParkedResponse(
                    to: connection.takeRequest().head, on: connection, from: source, after: position,
                    keepAlive: keepAlive, writeTime: writeTime))
            #expect(loop.step(waiting: 0))
            return client
        }

        /// Parks the response to a request that another process has handed over.
        func resume(_ source: Source, after position: Int, _ head: RequestHead, on connection: Connection) {
            #expect(responses.reserve(atMost: .max))
            responses.park(
                ParkedResponse(
                    to: head, on: connection, from: source, after: position, keepAlive: .seconds(3600),
                    writeTime: .seconds(3600)))
            #expect(loop.step(waiting: 0))
        }

        /// Lets the thread work until `condition` holds, or five seconds have passed.
        func serve(until condition: () -> Bool) {
            let end = MonotonicTime.now + .seconds(5)
            while !condition(), .now < end { #expect(loop.step(waiting: 10)) }
            #expect(condition())
        }
    }

    /// What has arrived at a web server.
    private func arrived(_ client: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(client, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
        }
    }

    private func stdout(_ text: String, id: UInt16 = 1) -> [UInt8] {
        Wire.record(6, Array(text.utf8), id: id)
    }
    private func end(id: UInt16 = 1) -> [UInt8] { StdoutRecords.end(of: id) }

    @Test("pieces go to all responses, each from its own position and with its own id")
    func pieces() throws {
        let process = try Process()
        let source = Source()
        source.add("1")
        source.add("2")
        let all = try process.park(source)
        let last = try process.park(source, after: 1, request: Wire.request(id: 9))
        defer { for client in [all, last] { close(client) } }
        #expect(process.responses.count == 2 && source.listenerCount == 1)
        source.add("3")
        #expect(process.loop.step(waiting: 0))
        #expect(arrived(all) == stdout("1") + stdout("2") + stdout("3"))
        #expect(arrived(last) == stdout("2", id: 9) + stdout("3", id: 9))
    }

    @Test("the end of the source ends the response, and its connection takes the next request")
    func finished() throws {
        let process = try Process()
        let source = Source()
        let client = try process.park(source)
        defer { close(client) }
        source.add("1")
        source.finish()
        #expect(process.loop.step(waiting: 0))
        #expect(arrived(client) == stdout("1") + end())
        #expect(process.responses.count == 0 && source.listenerCount == 0)
        send(Wire.request(), to: client)
        try process.fixture.answerNext()
        #expect(process.fixture.ends.all == [])
    }

    @Test("a web server that does not keep the connection gets its end with the response's")
    func notKept() throws {
        let process = try Process()
        let source = Source()
        let client = try process.park(source, request: Wire.request(keep: false))
        defer { close(client) }
        source.finish()
        #expect(process.loop.step(waiting: 0))
        #expect(arrived(client) == end())
        #expect(isClosed(client))
    }

    @Test("a web server that has gone is noticed without new pieces", arguments: [true, false])
    func gone(isReset: Bool) throws {
        let process = try Process()
        let source = Source()
        let client = try process.park(source)
        if isReset {
            source.add("unread")
            #expect(process.loop.step(waiting: 0))
        }
        close(client)
        process.serve { process.responses.count == 0 }
        #expect(process.fixture.poller.connectionCount == 0 && source.listenerCount == 0)
        #expect(process.fixture.ends.all == [])
    }

    @Test("ABORT_REQUEST ends the response, and the next request on the connection is served")
    func aborted() throws {
        let process = try Process()
        let client = try process.park(Source())
        defer { close(client) }
        send(Wire.record(2) + Wire.request(id: 2), to: client)
        process.serve { process.responses.count == 0 }
        #expect(arrived(client) == end())
        try process.fixture.answerNext()
        #expect(process.fixture.ends.all == [])
    }

    @Test(
        "a web server that takes nothing delays nobody, and is dropped when the source no longer has what it owes"
    )
    func slow() throws {
        let process = try Process()
        let source = Source()
        let slow = try process.park(source, writeTime: .milliseconds(20))
        let other = try process.park(source)
        defer { for client in [slow, other] { close(client) } }
        let piece = [UInt8](repeating: 7, count: 100_000)
        var received = 0
        for _ in 0..<100 {
            source.add(piece)
            #expect(process.loop.step(waiting: 0))
            received += arrived(other).count
        }
        process.serve {
            received += arrived(other).count
            return process.responses.count == 1
        }
        #expect(process.fixture.ends.all == [.tooSlow])
        process.serve {
            received += arrived(other).count
            return received == 100 * StdoutRecords(piece).byteCount
        }
        let client = try process.park(source)
        defer { close(client) }
        source.keep(1)
        process.serve { process.responses.count == 1 }
        #expect(process.fixture.ends.all == [.tooSlow, .tooSlow])
    }

    @Test("what a web server takes late continues where it was cut")
    func late() throws {
        let process = try Process()
        let source = Source()
        let client = try process.park(source)
        defer { close(client) }
        var expected: [UInt8] = []
        for number in 0..<100 {
            let piece = [UInt8](repeating: UInt8(number), count: 99_999)
            expected += StdoutRecords(piece).bytes(for: 1)
            source.add(piece)
            #expect(process.loop.step(waiting: 0))
        }
        source.finish()
        expected += end()
        var bytes: [UInt8] = []
        process.serve {
            bytes += arrived(client)
            return process.responses.count == 0
        }
        bytes += arrived(client)
        #expect(bytes == expected)
    }

    @Test("comments are sent during silence")
    func comments() throws {
        let process = try Process()
        let source = Source()
        let client = try process.park(source, keepAlive: .milliseconds(20))
        defer { close(client) }
        var bytes: [UInt8] = []
        process.serve {
            bytes += arrived(client)
            return bytes.count >= 33
        }
        #expect(bytes.prefix(22) == stdout(":\n\n")[...] + stdout(":\n\n"))
    }

    @Test(
        "what no web server sends closes the connection, and is counted",
        arguments: [
            (Wire.request(), ProtocolViolation.repeatedBeginRequest(id: 1)),
            (Wire.request(id: 2), .unexpectedRecord(type: 1)),
            ([UInt8](repeating: 0, count: 8), .version(0)), (Wire.record(6), .unexpectedRecord(type: 6)),
        ])
    func violations(bytes: [UInt8], violation: ProtocolViolation) throws {
        let process = try Process()
        let client = try process.park(Source())
        defer { close(client) }
        send(bytes, to: client)
        process.serve { process.responses.count == 0 }
        #expect(process.fixture.ends.all == [.violation(violation)])
        #expect(isClosed(client) && process.fixture.poller.connectionCount == 0)
    }

    @Test("bytes without end are a violation, too")
    func flood() throws {
        let process = try Process(limits: GateLimits(drain: 1000))
        let client = try process.park(Source())
        defer { close(client) }
        send(Wire.record(5, [UInt8](repeating: 0, count: 1001)), to: client)
        process.serve { process.responses.count == 0 }
        #expect(process.fixture.ends.all == [.violation(.flood)])
    }

    @Test("management records are answered between two records of the response")
    func management() throws {
        let process = try Process()
        let source = Source()
        let client = try process.park(source)
        defer { close(client) }
        send(Wire.record(9, Wire.pair("FCGI_MPXS_CONNS", ""), id: 0), to: client)
        var bytes: [UInt8] = []
        process.serve {
            bytes += arrived(client)
            return !bytes.isEmpty
        }
        #expect(bytes == Wire.record(10, Wire.pair("FCGI_MPXS_CONNS", "0"), id: 0))
        source.add("1")
        #expect(process.loop.step(waiting: 0))
        #expect(arrived(client) == stdout("1"))
    }

    @Test("a process that stops ends all responses, also those that come later, and has no connection then")
    func draining() throws {
        let process = try Process()
        let source = Source()
        let early = try process.park(source)
        source.add("1")
        process.responses.end()
        let late = try process.park(source)
        #expect(arrived(late) == stdout("1") + end())
        process.fixture.poller.drain()
        #expect(arrived(early) == stdout("1") + end())
        for client in [early, late] {
            #expect(isClosed(client))
            close(client)
        }
        #expect(process.fixture.poller.hasStopped)
    }

    @Test("a connection whose response has ended is handed over to another process")
    func endedBefore() throws {
        let process = try Process(handover: HandoverQueue())
        let sibling = try PollerFixture(sibling: process.fixture)
        let client = try process.park(Source())
        defer { close(client) }
        process.fixture.poller.drain(handingOver: true)
        process.responses.end()
        #expect(process.loop.step(waiting: 0))
        #expect(arrived(client) == end())
        send(Wire.request(), to: client)
        try sibling.answerNext()
    }

    @Test(
        "a response is handed over to another process, which gets its request with the last id, and continues it"
    )
    func handover() throws {
        let process = try Process(handover: HandoverQueue())
        let successor = try Process(sibling: process.fixture)
        let source = Source()
        source.add("1")
        source.add("2")
        let parameters = [
            ("REQUEST_METHOD", "GET"), ("HTTP_LAST_EVENT_ID", "old"), ("REQUEST_URI", "/\u{e9}"),
        ]
        let client = try process.park(source, after: 1, request: Wire.request(parameters, id: 7))
        defer { close(client) }
        process.fixture.poller.drain(handingOver: true)
        process.responses.end(handingOverFor: .seconds(5))
        #expect(process.loop.step(waiting: 0))
        #expect(process.responses.count == 0 && process.fixture.poller.hasStopped)
        #expect(arrived(client) == stdout("2", id: 7))

        guard case .request(let connection) = successor.fixture.next() else {
            Issue.record("the response was not handed over")
            return
        }
        let head = connection.takeRequest().head
        #expect(connection.isResumed && head.requestID == 7 && head.keepsConnection)
        #expect(head.string("HTTP_LAST_EVENT_ID") == "id 2" && head.string("REQUEST_URI") == "/\u{e9}")
        successor.resume(source, after: 2, head, on: connection)
        source.add("3")
        source.finish()
        #expect(successor.loop.step(waiting: 0))
        #expect(arrived(client) == stdout("3", id: 7) + end(id: 7))
        #expect(!connection.isResumed)
        send(Wire.request(), to: client)
        try successor.fixture.answerNext()
    }

    @Test("many responses are handed over although the queue is short, and serve on meanwhile")
    func manyHandovers() throws {
        let process = try Process(handover: HandoverQueue())
        let successor = try Process(sibling: process.fixture)
        let source = Source()
        let clients = try (0..<600).map { _ in try process.park(source) }
        defer { for client in clients { close(client) } }
        process.fixture.poller.drain(handingOver: true)
        process.responses.end(handingOverFor: .seconds(60))
        var resumed = 0
        while resumed < clients.count {
            #expect(process.loop.step(waiting: 0))
            guard case .request(let connection) = successor.fixture.next() else {
                Issue.record("a response was not handed over")
                return
            }
            successor.resume(source, after: 0, connection.takeRequest().head, on: connection)
            resumed += 1
        }
        #expect(process.responses.count == 0)
        source.add("1")
        #expect(successor.loop.step(waiting: 0))
        for client in clients { #expect(arrived(client) == stdout("1")) }
    }

    @Test("what cannot be answered again is ended, and so is what no process takes in time")
    func notHandedOver() throws {
        let process = try Process(handover: HandoverQueue())
        let successor = try PollerFixture(sibling: process.fixture)
        let post = try process.park(Source(), request: Wire.post("body"))
        process.fixture.poller.drain(handingOver: true)
        process.responses.end(handingOverFor: .seconds(5))
        #expect(process.loop.step(waiting: 0))
        #expect(arrived(post) == end())
        let other = try Process(handover: HandoverQueue())
        let late = try other.park(Source())
        other.fixture.poller.drain(handingOver: true)
        other.responses.end(handingOverFor: .zero)
        #expect(other.loop.step(waiting: 0))
        #expect(arrived(late) == end())
        _ = successor
        for client in [post, late] { close(client) }
    }

    @Test("a response of another process that cannot be served here is ended, not answered")
    func refused() throws {
        let process = try Process(handover: HandoverQueue())
        let successor = try PollerFixture(sibling: process.fixture)
        let client = try process.park(Source())
        defer { close(client) }
        process.fixture.poller.drain(handingOver: true)
        process.responses.end(handingOverFor: .seconds(5))
        #expect(process.loop.step(waiting: 0))
        guard case .request(let connection) = successor.next() else {
            Issue.record("the response was not handed over")
            return
        }
        let head = connection.takeRequest().head
        #expect(ShortResponse.gatewayTimeout().send(to: head, on: connection))
        #expect(arrived(client) == end())
        successor.poller.giveBack(connection, keep: true, isOpen: true)
    }

    @Test("no more places are given than the limit allows, and an ended response gives its place back")
    func places() throws {
        let process = try Process()
        let source = Source()
        let client = try process.park(source)
        defer { close(client) }
        #expect(!process.responses.reserve(atMost: 1))
        #expect(process.responses.reserve(atMost: 2) && process.responses.count == 2)
        process.responses.release()
        source.finish()
        #expect(process.loop.step(waiting: 0))
        #expect(process.responses.reserve(atMost: 1))
    }

    @Test("when it is told to stop, the thread closes what is left")
    func stop() throws {
        let process = try Process()
        let client = try process.park(Source())
        defer { close(client) }
        process.responses.stop()
        #expect(!process.loop.step(waiting: 0))
        #expect(isClosed(client) && process.fixture.poller.connectionCount == 0)
    }
}
