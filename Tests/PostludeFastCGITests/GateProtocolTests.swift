import Testing

@testable import PostludeFastCGI

@Suite("Gate: records between and inside requests")
struct GateProtocolTests {
    private let head = Wire.begin() + Wire.params([("CONTENT_LENGTH", "2")])
    private let stdin = Wire.record(5, Array("ab".utf8)) + Wire.record(5)

    @Test("answers GET_VALUES at once, each variable once, also in the middle of STDIN")
    func getValues() {
        var run = GateRun()
        let ask = Wire.record(
            9, (0..<40).flatMap { _ in Wire.pair("FCGI_MPXS_CONNS", "") } + Wire.pair("UNKNOWN", ""), id: 0)
        let answer = Wire.record(10, Wire.pair("FCGI_MPXS_CONNS", "0"), id: 0)
        run.feed(ask)
        #expect(run.replies == answer)
        run.feed(
            head + Wire.record(5, Array("a".utf8)) + ask + Wire.record(5, Array("b".utf8)) + Wire.record(5))
        #expect(run.replies == answer + answer)
        #expect(run.events == ["request"])
        #expect(run.bodies == [Array("ab".utf8)])
    }

    @Test("answers an unknown type with UNKNOWN_TYPE and skips its content")
    func unknownType() {
        var run = GateRun()
        run.feed(Wire.record(99, [1, 2, 3], id: 0) + Wire.request())
        #expect(run.replies == Wire.record(11, [99, 0, 0, 0, 0, 0, 0, 0], id: 0))
        #expect(run.events == ["request"])
    }

    @Test("answers an unknown role with UNKNOWN_ROLE and ignores the rest of that request")
    func unknownRole() {
        var run = GateRun()
        run.feed(Wire.begin(role: 2) + Wire.params([("A", "b")]) + Wire.record(5) + Wire.request())
        #expect(run.replies == Wire.record(3, [0, 0, 0, 0, 3, 0, 0, 0]))
        #expect(run.events == ["request"])
    }

    @Test("closes after UNKNOWN_ROLE if the connection is not to be kept")
    func unknownRoleNotKept() {
        var run = GateRun()
        run.feed(Wire.begin(role: 3, keep: false))
        #expect(run.events == ["closing"])
        #expect(run.replies == Wire.record(3, [0, 0, 0, 0, 3, 0, 0, 0]))
    }

    @Test("answers a second request inside the first with CANT_MPX_CONN")
    func multiplexing() {
        var run = GateRun()
        run.feed(head + Wire.begin(id: 2) + Wire.params([("A", "b")], id: 2) + Wire.record(5, id: 2) + stdin)
        #expect(run.replies == Wire.record(3, [0, 0, 0, 0, 1, 0, 0, 0], id: 2))
        #expect(run.events == ["request"])
    }

    @Test("ABORT_REQUEST ends a request, and the next one is served")
    func abort() {
        var run = GateRun()
        run.feed(head + Wire.record(2) + stdin + Wire.request())
        #expect(run.replies == Wire.record(3, [0, 0, 0, 0, 0, 0, 0, 0]))
        #expect(run.events == ["aborted", "request"])
        run.feed(head + Wire.record(2))
        #expect(run.gate.isAtRest)
    }

    private static let huge = [UInt8](repeating: 0xff, count: 8)
    private static let badPairs = "name-value pairs that do not fit their record or stream"
    private static let unsound: [([UInt8], String)] = {
        var list: [([UInt8], String)] = []
        list.append((Wire.record(1, [0, 1], version: 2), "record of FastCGI version 2, expected 1"))
        list.append((Wire.record(1, [0, 1]), "BEGIN_REQUEST of 2 bytes, expected 8"))
        list.append((Wire.begin(id: 0), "record of type 1 with request id 0"))
        list.append((Wire.record(9, id: 7), "record of type 9 with request id 7"))
        list.append((Wire.begin() + Wire.begin(), "second BEGIN_REQUEST for the active request 1"))
        list.append((Wire.record(3), "unexpected record of type 3"))
        list.append((Wire.record(6), "unexpected record of type 6"))
        list.append((Wire.record(10, id: 0), "unexpected record of type 10"))
        list.append((Wire.begin() + Wire.record(5), "unexpected record of type 5"))
        list.append((Wire.begin() + Wire.record(8), "unexpected record of type 8"))
        list.append((Wire.begin() + Wire.record(4) + Wire.record(4), "unexpected record of type 4"))
        list.append((Wire.begin() + Wire.record(4, huge) + Wire.record(4), badPairs))
        list.append((Wire.begin() + Wire.record(4, [5, 5, 65]) + Wire.record(4), badPairs))
        list.append((Wire.record(9, [0x80, 0], id: 0), badPairs))
        return list
    }()

    @Test("closes the connection for bytes that no web server sends", arguments: unsound)
    func violations(bytes: [UInt8], message: String) {
        for size in [1, Int.max] {
            var run = GateRun()
            run.feed(bytes, pieces: size)
            #expect(run.events == ["violation: \(message)"])
        }
    }

    @Test("a flood of management records ends the connection; a request in between resets the count")
    func flood() {
        var run = GateRun()
        let ask = Wire.record(9, Wire.pair("FCGI_MAX_REQS", ""), id: 0)
        for _ in 0..<3 {
            for _ in 0..<60 { run.feed(ask) }
            run.feed(Wire.request())
        }
        #expect(run.events == ["request", "request", "request"])
        for _ in 0..<65 { run.feed(ask) }
        #expect(run.events.last == "violation: too many records that belong to no request")
    }

    @Test("reports when a head has begun, so that its time can be limited")
    func readingHead() {
        var run = GateRun()
        #expect(run.gate.isAtRest && !run.gate.isReadingHead)
        run.feed([1])
        #expect(!run.gate.isAtRest && run.gate.isReadingHead)
        run.feed(Array(Wire.begin().dropFirst()))
        #expect(run.gate.isReadingHead)
        run.feed(Wire.params([("CONTENT_LENGTH", "2")]))
        #expect(run.gate.isReadingBody && !run.gate.isReadingHead)
        run.feed(stdin)
        #expect(run.gate.isAtRest)
    }
}
