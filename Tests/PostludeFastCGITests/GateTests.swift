import Testing

@testable import PostludeFastCGI

@Suite("Gate")
struct GateTests {
    @Test("returns a request when STDIN has ended")
    func request() throws {
        var run = GateRun()
        run.feed(Wire.post("hello"))
        #expect(run.events == ["request"])
        #expect(run.heads[0].string("REQUEST_METHOD") == "POST")
        #expect(run.heads[0].contentLength == 5)
        #expect(run.heads[0].keepsConnection)
        #expect(run.bodies == [Array("hello".utf8)])
        #expect(run.gate.isAtRest)
    }

    @Test("yields the same result however the bytes are cut", arguments: [1, 2, 3, 7, 8, 9, 64])
    func pieces(size: Int) {
        let bytes =
            Wire.post("hello") + Wire.record(9, Wire.pair("FCGI_MAX_CONNS", ""), id: 0, padding: 5)
            + Wire.begin(role: 2) + Wire.request() + Wire.record(77, [1, 2, 3], id: 0)
            + Wire.post("x", length: "2") + Wire.request()
        var whole = GateRun()
        whole.feed(bytes)
        var cut = GateRun()
        cut.feed(bytes, pieces: size)
        #expect(whole.events == ["request", "request", "refused bodyLength", "request"])
        #expect(cut.events == whole.events)
        #expect(cut.replies == whole.replies)
        #expect(cut.bodies == whole.bodies)
    }

    @Test("returns two requests in one write one after the other")
    func pipelined() {
        var run = GateRun()
        run.feed(Wire.post("one") + Wire.post("two"))
        #expect(run.bodies == [Array("one".utf8), Array("two".utf8)])
    }

    @Test("skips padding, also after the record that ends a request")
    func padding() {
        var run = GateRun()
        let pairs = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")]
        run.feed(
            Wire.begin() + Wire.params(pairs, padding: 255) + Wire.record(5, padding: 8) + Wire.request())
        #expect(run.events == ["request", "request"])
    }

    @Test("joins a pair that spans two records")
    func split() {
        var run = GateRun()
        let stream = Wire.pair("REQUEST_METHOD", "GET") + Wire.pair("REQUEST_URI", "/a")
        let cut = stream.count / 2
        run.feed(
            Wire.begin() + Wire.record(4, Array(stream[..<cut])) + Wire.record(4, Array(stream[cut...]))
                + Wire.record(4) + Wire.record(5))
        #expect(run.heads.first?.string("REQUEST_URI") == "/a")
    }

    @Test(
        "refuses a body that disagrees with CONTENT_LENGTH",
        arguments: [
            ("abc", "4", "refused bodyLength"), ("abc", "2", "refused bodyLength"),
            ("", "1", "refused bodyLength"), ("abc", "three", "refused contentLength"),
            ("abc", "-3", "refused contentLength"), ("abc", "+3", "refused contentLength"),
            ("abc", " 3", "refused contentLength"), ("abc", "3x", "refused contentLength"),
            ("abc", "99999999999999999999", "refused bodyTooLarge"), ("abc", "003", "request"),
            ("", "0", "request"),
        ])
    func contentLength(body: String, length: String, event: String) {
        var run = GateRun()
        run.feed(Wire.post(body, length: length) + Wire.request())
        #expect(run.events == [event, "request"])
    }

    @Test("collects a body without CONTENT_LENGTH up to the limit")
    func chunked() {
        let head = Wire.begin() + Wire.params([("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "")])
        var run = GateRun()
        run.policy = .collect(limit: 10)
        run.feed(
            head + Wire.record(5, Array("12345".utf8)) + Wire.record(5, Array("67890".utf8)) + Wire.record(5))
        run.feed(
            head + Wire.record(5, Array("12345".utf8)) + Wire.record(5, Array("678901".utf8)) + Wire.record(5)
        )
        #expect(run.events == ["request", "refused bodyTooLarge"])
        #expect(run.gate.isAtRest)
    }

    @Test("refuses a body over the limit by its CONTENT_LENGTH alone, then drains it")
    func tooLarge() {
        var run = GateRun()
        run.policy = .collect(limit: 4)
        run.feed(Wire.begin() + Wire.params([("CONTENT_LENGTH", "5")]))
        #expect(run.events == ["refused bodyTooLarge"])
        #expect(!run.gate.isDrained)
        run.feed(Wire.record(5, Array("hello".utf8)) + Wire.record(5))
        #expect(run.gate.isDrained)
        run.feed(Wire.request())
        #expect(run.events == ["refused bodyTooLarge", "request"])
    }

    @Test("serves a request whose body is to be ignored at once, and never reads its bytes as records")
    func ignored() {
        var run = GateRun()
        run.policy = .ignore
        let smuggled = String(decoding: Wire.request([("REMOTE_USER", "root")]), as: UTF8.self)
        run.feed(Wire.post(smuggled))
        #expect(run.events == ["request"])
        #expect(run.bodies == [[]])
        #expect(run.gate.isAtRest)
    }

    @Test("draining is bounded")
    func drainLimit() {
        var run = GateRun(limits: GateLimits(drain: 1000))
        run.policy = .collect(limit: 1)
        run.feed(Wire.begin() + Wire.params([("CONTENT_LENGTH", "5000")]))
        run.feed(
            Wire.record(5, [UInt8](repeating: 1, count: 500))
                + Wire.record(5, [UInt8](repeating: 1, count: 500)))
        #expect(
            run.events == ["refused bodyTooLarge", "violation: too many records that belong to no request"])
    }

    @Test("refuses PARAMS over the limit, and the next request is served")
    func headLimit() {
        var run = GateRun(limits: GateLimits(head: 100))
        let long = String(repeating: "x", count: 60)
        run.feed(Wire.begin() + Wire.params([("A", long), ("B", long)]) + Wire.record(5) + Wire.request())
        #expect(run.events == ["refused headTooLarge", "request"])
    }

    @Test("a value may be empty and hold anything but NUL; a name may hold anything but NUL and =")
    func parameters() {
        var run = GateRun()
        run.feed(Wire.request([("EMPTY", ""), ("V", "a=b\n\u{1}é"), ("n ame", "x")]))
        #expect(run.heads.first?.string("EMPTY") == "")
        #expect(run.heads.first?.string("V") == "a=b\n\u{1}é")
        for pair in [("A=B", "x"), ("A\0B", "x"), ("A", "x\0y"), ("", "x")] {
            run.feed(Wire.request([pair]))
        }
        #expect(run.events == ["request"] + Array(repeating: "refused parameter", count: 4))
    }

    @Test("refuses contradictory repetitions of parameters that decide about a request")
    func repetitions() {
        var run = GateRun()
        run.feed(Wire.request([("REQUEST_URI", "/a"), ("REQUEST_URI", "/b")]))
        run.feed(Wire.request([("REQUEST_URI", "/a"), ("REQUEST_URI", "/a"), ("X", "1"), ("X", "2")]))
        #expect(run.events == ["refused parameter", "request"])
        #expect(run.heads.first?.string("X") == "1")
    }

    // MARK: Refusals

    @Test("accepts a CONTENT_LENGTH of -1 like a missing one: the body's length is unknown")
    func unknownLength() {
        var run = GateRun()
        run.feed(Wire.post("hello", length: "-1") + Wire.post("", length: "-1"))
        #expect(run.events == ["request", "request"])
        #expect(run.bodies == [Array("hello".utf8), []])
        #expect(run.heads.allSatisfy { $0.contentLength == nil && $0.value("CONTENT_LENGTH") == nil })
        #expect(run.heads.allSatisfy { $0.string("REQUEST_METHOD") == "POST" })
    }

    @Test(
        "refuses every other length that is not a number",
        arguments: ["-2", "-", "+1", "1 ", "0x1", "1e3", "-1.0"])
    func wrongLength(length: String) {
        var run = GateRun()
        run.feed(Wire.post("hello", length: length) + Wire.request())
        #expect(run.events == ["refused contentLength", "request"])
    }

    @Test("keeps the known parts of a refused request for the log")
    func refusedHead() throws {
        let method = ("REQUEST_METHOD", "POST")
        let target = ("REQUEST_URI", "/a?b")
        let refused: [([(String, String)], Refusal)] = [
            ([method, target, ("CONTENT_LENGTH", "x")], .contentLength),
            ([method, target, ("CONTENT_LENGTH", "99999999999999999999")], .bodyTooLarge),
            ([method, target, ("A", "b\0c")], .parameter), ([method, target, ("A=b", "c")], .parameter),
            ([method, target, ("REQUEST_METHOD", "GET")], .parameter),
        ]
        for (pairs, refusal) in refused {
            var gate = Gate(limits: GateLimits())
            var offset = 0
            let bytes = Wire.request(pairs)
            let progress = try gate.advance(bytes.span, from: &offset) { _ in .ignore }
            #expect(progress == .refused(refusal))
            let head = gate.takeRequest().head
            #expect(head.refusal == refusal)
            #expect(head.string("REQUEST_METHOD") == "POST" && head.string("REQUEST_URI") == "/a?b")
        }
    }

    @Test("keeps the beginning of a head that is too large")
    func cutHead() throws {
        var gate = Gate(limits: GateLimits(head: 100))
        let first = Wire.pair("REQUEST_METHOD", "PUT") + Wire.pair("REQUEST_URI", "/cut") + [200, 1, 65]
        let bytes = Wire.begin() + Wire.record(4, first) + Wire.record(4, [UInt8](repeating: 65, count: 90))
        var offset = 0
        #expect(try gate.advance(bytes.span, from: &offset) { _ in .ignore } == .refused(.headTooLarge))
        let head = gate.takeRequest().head
        #expect(head.string("REQUEST_METHOD") == "PUT" && head.string("REQUEST_URI") == "/cut")
    }

    // MARK: HTTP

    @Test(
        "explains itself to a peer that speaks HTTP, in HTTP, however the bytes are cut",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n", "POST /x HTTP/1.0\r\n", "OPTIONS * HTTP/1.1\r\n",
            "PROPFIND / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\n", "GET http://host/ HTTP/1.1\r\n",
        ], [1, 3, 8, 64])
    func http(text: String, size: Int) throws {
        var run = GateRun()
        run.feed(Array(text.utf8), pieces: size)
        #expect(run.events == ["violation: \(ProtocolViolation.http)"])
        let reply = String(decoding: run.replies, as: UTF8.self)
        #expect(reply.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        let parts = reply.split(separator: "\r\n\r\n", maxSplits: 1)
        #expect(parts.first?.contains("Content-Length: \(parts.last?.utf8.count ?? -1)\r\n") == true)
        #expect(parts.last?.contains("FastCGI") == true && parts.last?.contains(" nginx`") == true)
    }

    @Test(
        "other bytes, and HTTP after a record, get no response",
        arguments: [
            Array("get / HTTP/1.1".utf8), Array("GE / HTTP".utf8), Array("SSH-2.0-x".utf8),
            [0x16, 3, 1, 0, 5, 1, 0, 0],
            Wire.request() + Array("GET / HTTP/1.1\r\n".utf8),
            Wire.record(9, Wire.pair("FCGI_MAX_CONNS", ""), id: 0) + Array("GET / HTTP/1.1\r\n".utf8),
        ] as [[UInt8]])
    func noHTTP(bytes: [UInt8]) throws {
        var run = GateRun()
        run.feed(bytes)
        #expect(run.events.last?.hasPrefix("violation: record of FastCGI version") == true)
        #expect(!String(decoding: run.replies, as: UTF8.self).contains("HTTP"))
    }
}
