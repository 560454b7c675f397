import Glibc
import Testing

@testable import PostludeFastCGI

@Suite("WebServers")
struct WebServersTests {
    private func isAllowed(_ text: String, by servers: WebServers) throws -> Bool {
        try servers.refusal(of: SocketAddress(parsing: text), on: -1) == nil
    }

    @Test("no list allows every peer", arguments: [nil, "", " , "])
    func everyone(list: String?) throws {
        #expect(try isAllowed("10.0.0.1:1", by: WebServers(list)))
    }

    @Test("allows IPv4, IPv6 and IPv4 as a dual-stack listener sees it")
    func listed() throws {
        let servers = try WebServers("127.0.0.1, ::1,192.0.2.7")
        for allowed in ["127.0.0.1:1", "[::1]:1", "[::ffff:192.0.2.7]:1"] {
            #expect(try isAllowed(allowed, by: servers))
        }
        for refused in ["127.0.0.2:1", "[::2]:1"] { #expect(try !isAllowed(refused, by: servers)) }
        #expect(servers.refusal(of: .unix(path: ""), on: -1) == nil)
    }

    @Test(
        "allows networks of any length, also for IPv4 as a dual-stack listener sees it",
        arguments: [
            ("10.0.0.0/8", "10.255.3.4:1", "11.0.0.1:1"),
            ("192.0.2.128/25", "192.0.2.129:1", "192.0.2.127:1"),
            ("192.0.2.7/32", "192.0.2.7:1", "192.0.2.6:1"),
            ("10.0.0.0/8", "[::ffff:10.1.2.3]:1", "[::10.1.2.3]:1"),
            ("::ffff:10.0.0.0/104", "10.9.9.9:1", "11.9.9.9:1"), ("fd00::/8", "[fdab::1]:1", "[fe00::1]:1"),
            ("2001:db8::/33", "[2001:db8:7fff::1]:1", "[2001:db8:8000::1]:1"),
            ("::1", "[::1]:1", "127.0.0.1:1"), ("0.0.0.0/0", "203.0.113.9:1", "[2001:db8::1]:1"),
        ])
    func networks(network: String, allowed: String, refused: String) throws {
        let servers = try WebServers(nil, networks: [network])
        #expect(try isAllowed(allowed, by: servers))
        #expect(try !isAllowed(refused, by: servers))
    }

    @Test("combines both lists")
    func both() throws {
        let servers = try WebServers("192.0.2.1", networks: ["10.0.0.0/8"])
        #expect(try isAllowed("192.0.2.1:1", by: servers))
        #expect(try isAllowed("10.1.1.1:1", by: servers))
        #expect(try !isAllowed("192.0.2.2:1", by: servers))
    }

    @Test("names a wrong entry")
    func wrong() {
        #expect { try WebServers("127.0.0.1,localhost") } throws: { "\($0)".contains("\"localhost\"") }
        #expect { try WebServers("10.0.0.0/8") } throws: { "\($0)".contains("\"10.0.0.0/8\"") }
        for network in [
            "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "a/8", "10.0.0/8",
        ] {
            #expect { try WebServers(nil, networks: [network]) } throws: {
                "\($0)".contains("\"\(network)\"")
            }
        }
        #expect { try WebServers(nil, users: ["no-such-user"]) } throws: {
            "\($0)".contains("\"no-such-user\"")
        }
    }

    @Test("distinguishes users of a Unix socket")
    func users() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let me = geteuid()
        #expect(try WebServers(nil, users: ["\(me)"]).refusal(of: .unix(path: ""), on: ends[0]) == nil)
        #expect(
            try WebServers(nil, users: ["\(me + 1)"]).refusal(of: .unix(path: ""), on: ends[0])
                == .foreignUser(me))
        #expect(
            try WebServers(nil, users: ["root", "www-data"]).refusal(of: .unix(path: ""), on: ends[0]) == nil
                || me != 0)
        // Over TCP the addresses count.
        #expect(try isAllowed("10.0.0.1:1", by: WebServers(nil, users: ["\(me + 1)"])))
    }
}
