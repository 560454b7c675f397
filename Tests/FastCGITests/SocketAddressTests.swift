import Testing

@testable import FastCGI

@Suite("SocketAddress")
struct SocketAddressTests {
    @Test(
        "parses what --listen takes, and writes it back",
        arguments: [
            ("/run/app.sock", "/run/app.sock"), ("./app.sock", "./app.sock"),
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("[::1]:9000", "[::1]:9000"), ("0.0.0.0:0", "0.0.0.0:0"),
        ])
    func parsing(text: String, description: String) throws {
        #expect(try SocketAddress(parsing: text).description == description)
    }

    @Test(
        "refuses what is no address",
        arguments: ["", "app.sock", "::1:9000", "127.0.0.1:99999", ":9000", "[::1]"])
    func refused(text: String) {
        #expect(throws: ListenError.self) { try SocketAddress(parsing: text) }
    }

    @Test("refuses a path that the kernel would cut")
    func longPath() {
        let path = "/" + String(repeating: "x", count: 107)
        #expect(throws: ListenError.self) { try SocketAddress(parsing: path) }
        #expect(throws: Never.self) { try SocketAddress(parsing: String(path.dropLast())) }
    }
}

@Suite("WebServerAddresses")
struct WebServerAddressesTests {
    private func peer(_ text: String) throws -> SocketAddress { try SocketAddress(parsing: text) }

    @Test("no list allows everyone", arguments: [nil, "", " , "])
    func everyone(list: String?) throws {
        let addresses = try WebServerAddresses(list)
        #expect(addresses.allows(try peer("10.0.0.1:1")))
    }

    @Test("allows IPv4, IPv6 and IPv4 as a dual-stack listener sees it")
    func listed() throws {
        let addresses = try WebServerAddresses("127.0.0.1, ::1,192.0.2.7")
        #expect(addresses.allows(try peer("127.0.0.1:1")))
        #expect(addresses.allows(try peer("[::1]:1")))
        #expect(addresses.allows(try peer("[::ffff:192.0.2.7]:1")))
        #expect(!addresses.allows(try peer("127.0.0.2:1")))
        #expect(!addresses.allows(try peer("[::2]:1")))
        #expect(addresses.allows(.unix(path: "")))
    }

    @Test("says which entry is wrong")
    func wrong() {
        #expect { try WebServerAddresses("127.0.0.1,localhost") } throws: {
            "\($0)".contains("\"localhost\"")
        }
    }
}
