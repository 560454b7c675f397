import Testing

@testable import PostludeFastCGI

@Suite("SocketAddress")
struct SocketAddressTests {
    @Test(
        "parses every form of --listen, and writes it back",
        arguments: [
            ("/run/app.sock", "/run/app.sock"), ("./app.sock", "./app.sock"),
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("[::1]:9000", "[::1]:9000"), ("0.0.0.0:0", "0.0.0.0:0"),
        ])
    func parsing(text: String, description: String) throws {
        #expect(try SocketAddress(parsing: text).description == description)
    }

    @Test(
        "refuses text that is not an address",
        arguments: ["", "app.sock", "::1:9000", "127.0.0.1:99999", ":9000", "[::1]"])
    func refused(text: String) {
        #expect(throws: ListenError.self) { try SocketAddress(parsing: text) }
    }

    @Test("refuses a path that the kernel would truncate")
    func longPath() {
        let path = "/" + String(repeating: "x", count: 107)
        #expect(throws: ListenError.self) { try SocketAddress(parsing: path) }
        #expect(throws: Never.self) { try SocketAddress(parsing: String(path.dropLast())) }
    }
}
