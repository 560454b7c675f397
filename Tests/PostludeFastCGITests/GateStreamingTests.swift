import Testing

@testable import PostludeFastCGI

@Suite("Gate: streamed bodies")
struct GateStreamingTests {
    private func run(limit: Int = 100, limits: GateLimits = GateLimits()) -> GateRun {
        var run = GateRun(limits: limits)
        run.policy = .stream(limit: limit)
        return run
    }

    private func head(length: String) -> [UInt8] {
        Wire.begin() + Wire.params([("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", length)])
    }

    private func stdin(_ pieces: String..., padding: Int = 0) -> [UInt8] {
        pieces.flatMap { Wire.record(5, Array($0.utf8), padding: padding) }
    }

    @Test("returns a request at the end of its head")
    func headOnly() {
        var run = run()
        run.feed(head(length: "5"))
        #expect(run.events == ["request"])
        #expect(run.heads.first?.contentLength == 5)
        #expect(run.gate.isStreaming && !run.gate.isAtRest)
        run.feed(stdin("he") + Array(Wire.record(5, Array("llo".utf8)).prefix(9)))
        #expect(run.bodies == [Array("hel".utf8)])
        run.feed(Array("lo".utf8) + Wire.record(5))
        #expect(run.events == ["request", "body"])
        #expect(run.bodies == [Array("hello".utf8)])
        #expect(run.gate.isAtRest)
    }

    @Test("without CONTENT_LENGTH the first record makes the request known, and counts as body")
    func chunked() {
        var run = run(limit: 6)
        run.feed(head(length: ""))
        #expect(run.events.isEmpty)
        run.feed(Array(stdin("abc").prefix(8)))
        #expect(run.events == ["request"])
        run.feed(Array("abc".utf8) + stdin("def") + Wire.record(5))
        #expect(run.events == ["request", "body"])
        #expect(run.bodies == [Array("abcdef".utf8)])
        run.feed(head(length: "") + stdin("abc", "defg"))
        #expect(run.events.suffix(2) == ["request", "body: \(BodyError.tooLarge)"])
        #expect(run.bodies.last == Array("abc".utf8))
    }

    @Test("a request without a body is not streamed", arguments: ["", "0"])
    func noBody(length: String) {
        var run = run()
        run.feed(head(length: length) + Wire.record(5) + Wire.request())
        #expect(run.events == ["request", "request"])
        #expect(!run.gate.isStreaming)
    }

    @Test("refuses a body over the limit at once", arguments: ["101", ""])
    func tooLarge(length: String) {
        var run = run()
        run.feed(head(length: length) + stdin(String(repeating: "x", count: 101)) + Wire.record(5))
        run.feed(Wire.request())
        #expect(run.events == ["refused bodyTooLarge", "request"])
        #expect(run.gate.isAtRest)
    }

    @Test(
        "a body that disagrees with CONTENT_LENGTH ends with an error after the bytes that arrived",
        arguments: [(["ab", "c"], "abc"), (["ab", "cde"], "ab"), ([], "")])
    func length(pieces: [String], received: String) {
        for size in [1, Int.max] {
            var run = run()
            run.feed(head(length: "4") + pieces.flatMap { stdin($0) } + Wire.record(5), pieces: size)
            #expect(run.events == ["request", "body: \(BodyError.length)"])
            #expect(run.bodies == [Array(received.utf8)])
        }
    }

    @Test("ABORT_REQUEST ends the body; the response sends END_REQUEST")
    func abort() {
        var run = run()
        run.feed(head(length: "4") + stdin("ab") + Wire.record(2))
        #expect(run.events == ["request", "body: \(BodyError.aborted)"])
        #expect(run.bodies == [Array("ab".utf8)])
        #expect(run.replies.isEmpty)
    }

    @Test("yields the same result however the bytes are cut", arguments: [1, 2, 3, 7, 8, 9, 64])
    func pieces(size: Int) {
        let ask = Wire.record(9, Wire.pair("FCGI_MPXS_CONNS", ""), id: 0, padding: 3)
        let answer = Wire.record(10, Wire.pair("FCGI_MPXS_CONNS", "0"), id: 0)
        var bytes = head(length: "6") + stdin("ab", padding: 5) + ask + stdin("c")
        // Another request inside this one, and an unknown type.
        bytes += Wire.begin(id: 2) + Wire.record(5, [1, 2, 3], id: 2) + Wire.record(99, id: 0)
        bytes += stdin("def", padding: 255) + Wire.record(5, padding: 7)
        bytes += Wire.post("next") + head(length: "") + stdin("x") + Wire.record(5) + Wire.request()
        var run = run()
        run.feed(bytes, pieces: size)
        #expect(run.events == ["request", "body", "request", "body", "request", "body", "request"])
        #expect(run.bodies == ["abcdef", "next", "x", ""].map { Array($0.utf8) })
        #expect(
            run.replies == answer + Wire.record(3, [0, 0, 0, 0, 1, 0, 0, 0], id: 2)
                + Wire.record(11, [99, 0, 0, 0, 0, 0, 0, 0], id: 0))
        #expect(run.largestPiece <= size)
        #expect(run.gate.isAtRest)
    }

    @Test(
        "bytes in the middle of a body that no web server sends are a violation",
        arguments: [
            (Wire.begin(), "second BEGIN_REQUEST for the active request 1"),
            (Wire.record(4), "unexpected record of type 4"), (Wire.record(8), "unexpected record of type 8"),
            (Wire.record(5, version: 2), "record of FastCGI version 2, expected 1"),
        ])
    func violations(bytes: [UInt8], message: String) {
        var run = run()
        run.feed(head(length: "4") + stdin("ab") + bytes)
        #expect(run.events == ["request", "violation: \(message)"])
        #expect(run.bodies == [Array("ab".utf8)])
    }

    @Test("the unread rest is drained, and never read as records")
    func unread() {
        var run = run(limit: 1000)
        run.readsBodies = false
        let smuggled = String(decoding: Wire.request([("REMOTE_USER", "root")]), as: UTF8.self)
        run.feed(Wire.post(smuggled) + Wire.request())
        #expect(run.events == ["request", "request"])
        #expect(run.bodies == [[], []])
        #expect(run.heads.allSatisfy { $0.string("REMOTE_USER") == nil })
        #expect(run.gate.isAtRest)
    }

    @Test("draining the unread rest is bounded")
    func drainLimit() {
        var run = run(limit: 5000, limits: GateLimits(drain: 1000))
        run.readsBodies = false
        run.feed(head(length: "5000") + stdin(String(repeating: "x", count: 990)))
        #expect(run.events == ["request"])
        run.feed(stdin("more"))
        #expect(run.events == ["request", "violation: too many records that belong to no request"])
    }

    @Test("a flood of management records in the middle of a body is a violation")
    func flood() {
        var run = run()
        run.feed(head(length: "4"))
        for _ in 0..<65 { run.feed(Wire.record(9, Wire.pair("FCGI_MAX_REQS", ""), id: 0)) }
        #expect(run.events == ["request", "violation: too many records that belong to no request"])
    }
}
