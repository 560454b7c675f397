import Foundation
import Testing

@Suite("Where the server listens")
struct ListenTests {
    @Test("A TCP socket from spawn-fcgi, IPv4 and IPv6", arguments: ["127.0.0.1", "::1"])
    func spawnedOverTCP(host: String) throws {
        try Server.run(at: .tcp(host, try FreePort.take())) { try $0.expectAnswers() }
    }

    @Test(
        "serve --listen on a Unix path, an IPv4 address and an IPv6 one",
        arguments: ["unix", "127.0.0.1", "::1"])
    func listens(kind: String) throws {
        let folder = try TestFolder()
        let endpoint: Endpoint =
            kind == "unix" ? .unix(folder.file("own.socket")) : .tcp(kind, try FreePort.take())
        try Server.run(in: folder, at: endpoint, start: .listening("\(endpoint)")) { server in
            #expect(try server.ask(RawRequest("GET", "/hello")).text == "hello")
            #expect(try server.ask(RawRequest("GET", "/steps")).status == 200)
            _ = try server.folder.journal(reaches: 1)
        }
    }

    @Test("A stale socket is replaced")
    func staleSocket() throws {
        let folder = try TestFolder()
        let endpoint = Endpoint.unix(folder.file("own.socket"))
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        #expect(endpoint.withAddress { bind(descriptor, $0, $1) } == 0)
        close(descriptor)
        #expect(folder.exists("own.socket"))
        try Server.run(in: folder, at: endpoint, start: .listening("\(endpoint)")) { try $0.expectAnswers() }
    }

    @Test("A live socket is refused, and its owner serves on", arguments: [false, true])
    func liveSocket(tcp: Bool) throws {
        let folder = try TestFolder()
        let endpoint: Endpoint =
            tcp ? .tcp("127.0.0.1", try FreePort.take()) : .unix(folder.file("own.socket"))
        try Server.run(in: folder, at: endpoint, start: .listening("\(endpoint)")) { server in
            let second = try Command(BuildProducts.testbed, ["serve", "--listen", "\(endpoint)"], in: folder)
            #expect(second.exit != .status(0))
            #expect(second.errors.contains("\(endpoint)"), "\(second.errors)")
            try server.expectAnswers()
        }
    }

    @Test("A file that is no socket is neither replaced nor removed")
    func ordinaryFile() throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest().text)
        try folder.write("precious", "keep me")
        let command = try Command(
            BuildProducts.testbed, ["serve", "--listen", folder.file("precious")], in: folder)
        #expect(command.exit != .status(0))
        #expect(command.errors.contains("precious"))
        #expect(folder.text("precious") == "keep me")
    }

    @Test(
        "An address that cannot be understood or used is named",
        arguments: [
            "127.0.0.1:99999", "127.0.0.1:http", "[::1]", "/nonexistent-folder/own.socket", "192.0.2.1:9000",
        ])
    func badAddress(address: String) throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest().text)
        let command = try Command(BuildProducts.testbed, ["serve", "--listen", address], in: folder)
        #expect(command.exit != .status(0))
        #expect(command.errors.contains(address), "\(command.errors)")
    }

    @Test("FCGI_WEB_SERVER_ADDRS lets in whom it names and nobody else")
    func webServerAddresses() throws {
        let environment = ["FCGI_WEB_SERVER_ADDRS": "127.0.0.5,127.0.0.2"]
        let endpoint = Endpoint.tcp("127.0.0.1", try FreePort.take())
        try Server.run(at: endpoint, environment: environment, awaitingAnswer: false) { server in
            for allowed in ["127.0.0.2", "127.0.0.5"] {
                #expect(try server.peer(from: allowed).ask(RawRequest("GET", "/hello")).text == "hello")
            }
            for refused in ["127.0.0.1", "127.0.0.3"] {
                let peer = try server.peer(from: refused)
                try? peer.send(RawRequest("GET", "/who"))
                #expect(peer.isClosed())
            }
            #expect(server.folder.journal("calls").isEmpty)
            #expect(try server.peer(from: "127.0.0.2").ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test(
        "FCGI_WEB_SERVER_ADDRS is honoured for IPv6, in any spelling of an address",
        arguments: [("::1", true), ("0:0:0:0:0:0:0:1", true), ("::2", false), ("127.0.0.1", false)])
    func webServerAddressesIPv6(list: String, allowed: Bool) throws {
        let endpoint = Endpoint.tcp("::1", try FreePort.take())
        let environment = ["FCGI_WEB_SERVER_ADDRS": list]
        try Server.run(at: endpoint, environment: environment, ending: .any, awaitingAnswer: false) {
            server in
            let peer = try server.peer()
            if allowed {
                #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
            } else {
                try? peer.send(RawRequest("GET", "/who"))
                #expect(peer.isClosed())
            }
        }
    }
}
