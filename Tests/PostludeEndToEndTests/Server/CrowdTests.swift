import Foundation
import Testing

@Suite("A large number of connections", .serialized)
struct CrowdTests {
    private static func allowDescriptors(_ count: UInt) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < count {
            limit.rlim_cur = min(limit.rlim_max, count)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        try #require(limit.rlim_cur >= count, "the hard limit of open files is too low for this test")
    }

    @Test("2,000 idle or half-sent connections delay no client while four workers serve")
    func crowd() throws {
        try Self.allowDescriptors(4_096)
        let manifest = TestManifest("workers: { min: 4, max: 4 }\nlimits: { head-time: 5m }")
        try Server.run(manifest) { server in
            let half = Array(RawRequest("GET", "/hello").bytes.prefix(60))
            var crowd: [FastCGIPeer] = []
            for number in 0..<2_000 {
                let peer = try server.peer()
                switch number % 4 {
                case 0: break
                case 1: try peer.send(Array(half.prefix(2)))
                case 2: try peer.send(half)
                default: #expect(try peer.ask(RawRequest("GET", "/hello")).status == 200)
                }
                crowd.append(peer)
            }
            var slowest = Duration.zero
            for _ in 1...100 {
                let began = ContinuousClock.now
                #expect(try server.ask(RawRequest("GET", "/hello")).text == "hello")
                slowest = max(slowest, ContinuousClock.now - began)
            }
            #expect(slowest < .seconds(1), "one of a hundred requests took \(slowest)")
            // The half-sent requests can still be completed.
            for number in stride(from: 2, to: 2_000, by: 40) {
                try crowd[number].send(Array(RawRequest("GET", "/hello").bytes.dropFirst(half.count)))
                #expect(try crowd[number].reply().text == "hello")
            }
        }
    }

    @Test("Half-sent bodies occupy no worker")
    func halfBodies() throws {
        try Server.run(TestManifest("workers: { min: 1, max: 1 }")) { server in
            let request = RawRequest("POST", "/echo").with { $0.body = [UInt8](repeating: 7, count: 1_000) }
            let peers = try (0..<50).map { _ in
                let peer = try server.peer()
                try peer.send(request.head + Array(request.stdin.prefix(500)))
                return peer
            }
            for _ in 1...20 { try server.expectAnswers() }
            for peer in peers {
                try peer.send(Array(request.stdin.dropFirst(500)))
                #expect(try peer.reply().text.contains(#""count":1000"#))
            }
        }
    }
}
