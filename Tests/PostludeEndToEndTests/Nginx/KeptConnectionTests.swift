import Testing

@Suite("Kept connections")
struct KeptConnectionTests {
    @Test("The next request on a kept connection does not wait for a task")
    func taskDoesNotHoldConnection() throws {
        try Server.run { server in
            let peer = try server.peer()
            #expect(try peer.ask(RawRequest("GET", "/steps?gate=go")).status == 200)
            _ = try server.folder.events("started", reaches: 1)
            for _ in 1...20 {
                #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
            }
            #expect(server.folder.events().isEmpty)
            try server.folder.open(gate: "go")
            _ = try server.folder.events(reaches: 1)
        }
    }

    @Test("Nor does it through a connection that nginx keeps")
    func throughNginx() throws {
        try Server.run { server in
            try NginxServer.run(to: server) { nginx in
                let client = try nginx.client()
                #expect(try client.ask("GET", "/steps?gate=go").status == 200)
                _ = try server.folder.events("started", reaches: 1)
                for _ in 1...20 { #expect(try client.ask("GET", "/hello").text == "hello") }
                #expect(server.folder.events().isEmpty)
                try server.folder.open(gate: "go")
                _ = try server.folder.events(reaches: 1)
            }
        }
    }

    @Test("Two requests in one write are both answered, and so are twenty", arguments: [2, 20])
    func oneWrite(count: Int) throws {
        try Server.run { server in
            let peer = try server.peer()
            let requests = (1...count).map { RawRequest("GET", "/tagged?tag=number-\($0)") }
            try peer.send(requests.flatMap(\.bytes))
            for number in 1...count { #expect(try peer.reply().text == "number-\(number)") }
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("The second of two requests in one write does not wait for the first one's task")
    func oneWriteWithTask() throws {
        try Server.run { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/steps?gate=go").bytes + RawRequest("GET", "/hello").bytes)
            #expect(try peer.reply().status == 200)
            #expect(try peer.reply().text == "hello")
            #expect(server.folder.events().isEmpty)
            try server.folder.open(gate: "go")
            _ = try server.folder.events(reaches: 1)
        }
    }

    @Test("A request whose first bytes arrived with the previous one is answered when the rest arrives")
    func secondRequestInTwoParts() throws {
        try Server.run { server in
            let second = RawRequest("GET", "/tagged?tag=second").bytes
            for edge in stride(from: 1, to: second.count, by: 7) {
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/hello").bytes + second[..<edge])
                #expect(try peer.reply().text == "hello")
                try peer.send(Array(second[edge...]))
                #expect(try peer.reply().text == "second")
            }
        }
    }

    @Test("A connection that is not kept is closed after its response")
    func notKept() throws {
        try Server.run { server in
            let peer = try server.peer()
            #expect(try peer.ask(RawRequest("GET", "/hello").with { $0.keep = false }).text == "hello")
            #expect(peer.isClosed(within: .seconds(5)))
        }
    }

    @Test("A kept connection may change its request's identifier")
    func otherIdentifiers() throws {
        try Server.run { server in
            let peer = try server.peer()
            for id: UInt16 in [1, 2, 255, 256, 65_535] {
                #expect(try peer.ask(RawRequest("GET", "/hello").with { $0.id = id }).text == "hello")
            }
        }
    }
}
