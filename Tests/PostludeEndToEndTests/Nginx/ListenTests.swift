import Foundation
import PostludeSpawning
import Testing

@Suite("Listening addresses")
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
            _ = try server.folder.events(reaches: 1)
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

    @Test("A live socket is refused, and its owner continues to serve", arguments: [false, true])
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

    @Test("A file that is not a socket is neither replaced nor removed")
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
        "An address that cannot be parsed or used is named",
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

    @Test("FCGI_WEB_SERVER_ADDRS admits the addresses that it lists and no others")
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
            #expect(server.folder.events("calls").isEmpty)
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

    @Test(
        "The manifest gives the socket its address, owner, group and mode, also if it replaces a stale one")
    func options() throws {
        let folder = try TestFolder()
        let endpoint = Endpoint.unix(folder.file("own.socket"))
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        #expect(endpoint.withAddress { bind(stale, $0, $1) } == 0)
        close(stale)
        let manifest = TestManifest(
            "listen: { address: \(endpoint), owner: www-data, group: www-data, mode: \"0640\", backlog: 5 }")
        try Server.run(manifest, in: folder, at: endpoint, start: .manifest) { server in
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("own.socket"))
            #expect(attributes[.ownerAccountName] as? String == "www-data")
            #expect(attributes[.groupOwnerAccountName] as? String == "www-data")
            #expect(attributes[.posixPermissions] as? Int == 0o640)
            try server.expectAnswers()
        }
        #expect(!folder.exists("own.socket"))
    }

    @Test("--listen overrides the manifest's address, and nothing else of it")
    func overridden() throws {
        let folder = try TestFolder()
        let endpoint = Endpoint.unix(folder.file("own.socket"))
        let manifest = TestManifest("listen: { address: \(folder.file("other.socket")), mode: \"0604\" }")
        try Server.run(manifest, in: folder, at: endpoint, start: .listening("\(endpoint)")) { server in
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("own.socket"))
            #expect(attributes[.posixPermissions] as? Int == 0o604)
            #expect(!folder.exists("other.socket"))
        }
    }

    @Test("An owner that does not exist is named")
    func unknownOwner() throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest("listen: { owner: no-such-user }").text)
        let command = try Command(
            BuildProducts.testbed, ["serve", "--listen", folder.file("own.socket")], in: folder)
        #expect(command.exit != .status(0))
        #expect(command.errors.contains("no-such-user"), "\(command.errors)")
        #expect(!folder.exists("own.socket"))
    }

    @Test("The manifest's networks and FCGI_WEB_SERVER_ADDRS together admit the addresses that either lists")
    func networks() throws {
        let endpoint = Endpoint.tcp("127.0.0.1", try FreePort.take())
        let manifest = TestManifest("listen: { allow: [127.1.0.0/16, \"fd00::/8\"] }")
        try Server.run(
            manifest, at: endpoint, environment: ["FCGI_WEB_SERVER_ADDRS": "127.2.0.1"], awaitingAnswer: false
        ) { server in
            for allowed in ["127.1.0.1", "127.1.255.254", "127.2.0.1"] {
                #expect(try server.peer(from: allowed).ask(RawRequest("GET", "/hello")).text == "hello")
            }
            for refused in ["127.0.0.1", "127.2.0.2"] {
                let peer = try server.peer(from: refused)
                try? peer.send(RawRequest("GET", "/who"))
                #expect(peer.isClosed())
            }
            #expect(server.folder.events("calls").isEmpty)
            _ = try server.logLine(holding: "listen.allow")
        }
    }

    @Test(
        "Over a Unix socket only the manifest's users are admitted",
        arguments: ["root", "www-data"])
    func users(user: String) throws {
        try #require(geteuid() == 0, "the test's clients are root's")
        let manifest = TestManifest("listen: { allow-users: [\(user)] }")
        try Server.run(manifest, ending: .any, awaitingAnswer: false) { server in
            let peer = try server.peer()
            if user == "root" {
                #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
            } else {
                try? peer.send(RawRequest("GET", "/who"))
                #expect(peer.isClosed())
                _ = try server.logLine(holding: "listen.allow-users")
                #expect(server.folder.events("calls").isEmpty)
            }
        }
    }

    @Test("nginx, which runs as another user, is admitted by its name")
    func nginxUser() throws {
        let manifest = TestManifest("listen: { allow-users: [www-data, nobody, root] }")
        try Server.run(manifest) { server in
            try NginxServer.run(to: server) { nginx in
                let reply = try nginx.client().ask("GET", "/hello")
                #expect(reply.text == "hello")
            }
        }
    }
}
