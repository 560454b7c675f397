import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("FCGXRequest")
struct FCGXRequestTests {
    /// Both ends of a connection, closed at the end of the test.
    private final class SocketPair {
        let application: Int32
        let server: Int32

        init() throws {
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0 else {
                throw SystemError("socketpair")
            }
            (application, server) = (ends[0], ends[1])
        }

        func received() -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = recv(server, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return Array(bytes.prefix(max(0, count)))
        }

        deinit {
            close(application)
            close(server)
        }
    }

    private func head(_ pairs: [(String, String)]) throws -> RequestHead {
        var run = GateRun(limits: GateLimits(head: 1 << 20))
        let stream = pairs.flatMap { Wire.pair($0.0, $0.1) }
        var records = Wire.begin(keep: false)
        for start in stride(from: 0, to: stream.count, by: 60_000) {
            records += Wire.record(4, Array(stream[start..<min(start + 60_000, stream.count)]))
        }
        run.feed(records + Wire.record(4) + Wire.record(5))
        return try #require(run.heads.first)
    }

    @Test("writes STDOUT and END_REQUEST to the lent connection and leaves it open")
    func response() throws {
        let pair = try SocketPair()
        let request = try FCGXRequest(headLimit: 64 << 10)
        for _ in 0..<3 {
            try request.begin(head([("REQUEST_METHOD", "GET")]), on: pair.application)
            #expect(Array("hi".utf8).withUnsafeBytes { request.write($0) })
            #expect(request.finish())
            let received = pair.received()
            #expect(received.starts(with: [1, 6, 0, 1, 0, 2]))
            #expect(received.suffix(16).starts(with: [1, 3, 0, 1, 0, 8]))
        }
    }

    @Test("libfcgi and the gate read the same parameters from a head")
    func agreement() throws {
        let pair = try SocketPair()
        let request = try FCGXRequest(headLimit: 1_000_000)
        var random = SplitMix(seed: 11)
        for round in 0..<300 {
            let count = Int.random(in: 0...40, using: &random)
            let pairs = (0..<count).map { index -> (String, String) in
                let length = [0, 1, 5, 127, 128, 129, 5000].randomElement(using: &random) ?? 0
                let letters = (0..<length).map { _ in
                    Character(Unicode.Scalar(UInt8.random(in: 1...127, using: &random)))
                }
                return ("P\(index)\(String(repeating: "N", count: index * 7))", String(letters))
            }
            let head = try head(pairs)
            try request.begin(head, on: pair.application)
            for (name, value) in pairs {
                #expect(request.parameter(name) == value, "round \(round)")
                #expect(head.string(named: name) == value, "round \(round)")
            }
            #expect(request.parameter("ABSENT") == nil)
            #expect(request.finish())
            _ = pair.received()
        }
    }

    @Test("a head of a megabyte fits if the limit allows it")
    func largeHead() throws {
        let pair = try SocketPair()
        let request = try FCGXRequest(headLimit: 1_000_000)
        let value = String(repeating: "v", count: 999_000)
        try request.begin(head([("LARGE", value)]), on: pair.application)
        #expect(request.parameter("LARGE") == value)
        #expect(request.finish())
    }

    @Test("writes nothing of an abandoned response, and serves the next request on that connection")
    func abandoned() throws {
        let pair = try SocketPair()
        let request = try FCGXRequest(headLimit: 64 << 10)
        for _ in 0..<3 {
            try request.begin(head([("REQUEST_METHOD", "GET")]), on: pair.application)
            #expect(Array("not wanted".utf8).withUnsafeBytes { request.write($0) })
            request.abandon()
            #expect(pair.received().isEmpty)
            try request.begin(head([("REQUEST_METHOD", "GET")]), on: pair.application)
            #expect(Array("wanted".utf8).withUnsafeBytes { request.write($0) })
            #expect(request.finish())
            let received = String(decoding: pair.received(), as: UTF8.self)
            #expect(received.contains("wanted") && !received.contains("not wanted"))
        }
    }

    @Test("reports that the web server does not read any more, and serves the next connection")
    func writeError() throws {
        let gone = try SocketPair()
        let request = try FCGXRequest(headLimit: 64 << 10)
        try request.begin(head([]), on: dup(gone.application))
        shutdown(gone.server, Int32(SHUT_RDWR))
        let large = [UInt8](repeating: 1, count: 1 << 20)
        #expect(!large.withUnsafeBytes { request.write($0) })
        #expect(!request.finish())

        let pair = try SocketPair()
        try request.begin(head([]), on: pair.application)
        #expect(request.finish())
        #expect(pair.received().suffix(16).starts(with: [1, 3, 0, 1]))
    }
}

/// A small seeded generator (SplitMix64), so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
