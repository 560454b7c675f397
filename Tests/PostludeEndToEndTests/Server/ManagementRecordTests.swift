import Testing

@Suite("Records that are not a request's own")
struct ManagementRecordTests {
    static let names = ["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"]
    static let post = RawRequest("POST", "/echo").with { $0.body = Array("0123456789".utf8) }

    @Test("GET_VALUES is answered at once, and the connection serves on")
    func getValues() throws {
        try Server.run { server in
            let peer = try server.peer()
            try peer.send(.getValues(Self.names))
            let result = try #require(try peer.record())
            #expect(result.type == Record.getValuesResult && result.id == 0)
            #expect(result.pairs["FCGI_MPXS_CONNS"] == "0")
            #expect(result.pairs["FCGI_MAX_CONNS"].flatMap { Int($0) } ?? 0 > 0)
            #expect(result.pairs["FCGI_MAX_REQS"].flatMap { Int($0) } ?? 0 > 0)
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("GET_VALUES with forty repeated names, with unknown ones and without any is answered too")
    func repeatedNames() throws {
        try Server.run { server in
            let peer = try server.peer()
            let many = (0..<40).map { Self.names[$0 % 3] }
            for names in [many, Array(repeating: "FCGI_MPXS_CONNS", count: 400), ["NO_SUCH_NAME"], []] {
                try peer.send(.getValues(names))
                #expect(try peer.record()?.type == Record.getValuesResult)
            }
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
            try server.expectAnswers()
        }
    }

    @Test("A malformed GET_VALUES ends at most its own connection")
    func malformedGetValues() throws {
        try Server.run { server in
            for content: [UInt8] in [
                [14], [0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 1], [3, 0, 65],
            ] {
                let peer = try server.peer()
                try peer.send(Record(type: Record.getValues, id: 0, content: content))
                try server.expectAnswers()
            }
        }
    }

    @Test("GET_VALUES in the middle of PARAMS and of STDIN is answered and disturbs nothing")
    func inTheMiddle() throws {
        try Server.run { server in
            let peer = try server.peer()
            let ask = Record.getValues(Self.names)
            try peer.send(.begin(), ask, .params(Self.post.pairs), ask, .params([]))
            try peer.send(.stdin(Array("01234".utf8)), ask, .stdin(Array("56789".utf8)), ask, .stdin([]))
            let reply = try peer.reply()
            #expect(reply.text.contains(#""count":10"#))
            #expect(reply.others.map(\.type) == Array(repeating: Record.getValuesResult, count: 4))
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("A flood of GET_VALUES from a peer that never reads delays no other peer")
    func flood() throws {
        try Server.run(TestManifest("workers: { min: 1, max: 1 }")) { server in
            let record = Record.getValues((0..<40).map { Self.names[$0 % 3] }).bytes
            let floods = try (0..<4).map { _ in try server.peer() }
            for peer in floods {
                var sent = 0
                while sent < 20_000 && peer.socket.writeWhatFits(record) { sent += 1 }
            }
            for _ in 1...10 { try server.expectAnswers() }
        }
    }

    @Test("An unknown role is answered with UNKNOWN_ROLE", arguments: [2, 3, 0, 99, 65_535] as [UInt16])
    func unknownRole(role: UInt16) throws {
        try Server.run { server in
            let peer = try server.peer()
            try peer.send(.begin(role: role))
            #expect(try peer.reply().protocolStatus == FastCGIReply.unknownRole)
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")

            // A peer that sends the whole request at once, as nginx does.
            let request = RawRequest("GET", "/hello")
            try peer.send(Record.begin(role: role).bytes + request.bytes.dropFirst(16))
            #expect(try peer.reply().protocolStatus == FastCGIReply.unknownRole)
            #expect(try peer.ask(request).text == "hello")
            try server.expectAnswers()
        }
    }

    @Test("An unknown role on a connection that is not kept is answered, and the connection closed")
    func unknownRoleNotKept() throws {
        try Server.run { server in
            let peer = try server.peer()
            try peer.send(.begin(role: 3, keep: false))
            #expect(try peer.reply().protocolStatus == FastCGIReply.unknownRole)
            #expect(peer.isClosed(within: .seconds(5)))
            try server.expectAnswers()
        }
    }

    @Test("A second BEGIN_REQUEST is answered with CANT_MPX_CONN, and the first request continues")
    func secondBegin() throws {
        try Server.run { server in
            let peer = try server.peer()
            try peer.send(.begin(), .begin(id: 2))
            #expect(try peer.reply(id: 2).protocolStatus == FastCGIReply.cannotMultiplex)
            try peer.send(.params(Self.post.pairs), .begin(id: 3), .params([]))
            #expect(try peer.reply(id: 3).protocolStatus == FastCGIReply.cannotMultiplex)
            try peer.send(.stdin(Array("01234".utf8)), .begin(id: 4))
            #expect(try peer.reply(id: 4).protocolStatus == FastCGIReply.cannotMultiplex)
            try peer.send(.stdin(Array("56789".utf8)), .stdin([]))
            #expect(try peer.reply().text.contains(#""count":10"#))
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("Records with another request's identifier are ignored")
    func otherIdentifier() throws {
        try Server.run { server in
            let peer = try server.peer()
            let evil = Record.params([("REMOTE_USER", "root")], id: 7)
            try peer.send(.begin(), evil, .params(Self.post.pairs), .params([], id: 7), .params([]))
            try peer.send(
                .stdin(Array("01234".utf8)), .stdin(Array("evil".utf8), id: 7), .abort(id: 7),
                .stdin([], id: 7), .stdin(Array("56789".utf8)), .stdin([]))
            #expect(try peer.reply().text.contains(#""count":10"#))
            try server.expectAnswers()
        }
    }

    @Test("An unknown management record is answered with UNKNOWN_TYPE, also inside a request")
    func unknownType() throws {
        try Server.run { server in
            let peer = try server.peer()
            for type: UInt8 in [12, 42, 255] {
                try peer.send(Record(type: type, id: 0, content: [1, 2, 3], padding: 5))
                let answer = try #require(try peer.record())
                #expect(answer.type == Record.unknownType && answer.id == 0)
                #expect(answer.content.first == type)
            }
            try peer.send(Self.post.head)
            try peer.send(.stdin(Array("01234".utf8)), Record(type: 77, id: 0, content: []))
            try peer.send(.stdin(Array("56789".utf8)), .stdin([]))
            let reply = try peer.reply()
            #expect(reply.text.contains(#""count":10"#))
            #expect(reply.others.map(\.type) == [Record.unknownType])
            try server.expectAnswers()
        }
    }

    @Test("An aborted request is ended without its handler, and the connection serves on")
    func abort() throws {
        try Server.run { server in
            let cuts: [[Record]] = [
                [.begin()],
                [.begin(), .params(Self.post.pairs)],
                [.begin(), .params(Self.post.pairs), .params([])],
                [.begin(), .params(Self.post.pairs), .params([]), .stdin(Array("01234".utf8))],
            ]
            for cut in cuts {
                let peer = try server.peer()
                try peer.send(cut.flatMap(\.bytes))
                try peer.send(.abort())
                #expect(try peer.reply().protocolStatus == FastCGIReply.requestComplete)
                #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
            }
            #expect(server.folder.events("calls").isEmpty)
        }
    }

    @Test("A kept connection may stay idle after an aborted request")
    func idleAfterAbort() throws {
        try Server.run(TestManifest("limits: { head-time: 200ms, read-time: 200ms }")) { server in
            let peers = try [[], [Record.params([])]].map { last in
                let peer = try server.peer()
                try peer.sendApart(([.begin(), .params(Self.post.pairs)] + last).flatMap(\.bytes))
                try peer.send(.abort())
                #expect(try peer.reply().protocolStatus == FastCGIReply.requestComplete)
                return peer
            }
            // Overdue connections are closed meanwhile, one after the other.
            for _ in 1...3 {
                let half = try server.peer()
                try half.send(Array(Self.post.head.prefix(20)))
                #expect(half.isClosed())
            }
            for peer in peers { #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello") }
        }
    }

    @Test("Stray records between requests end at most their own connection")
    func strays() throws {
        try Server.run { server in
            let strays: [Record] = [
                .abort(), .stdin([1, 2, 3]), .stdin([]), .params([("A", "b")]), .params([]),
                Record(type: Record.stdout, id: 1, content: [1]),
                Record(type: Record.endRequest, id: 1, content: [UInt8](repeating: 0, count: 8)),
                Record(type: Record.beginRequest, id: 0, content: [0, 1, 1, 0, 0, 0, 0, 0]),
                Record(type: Record.beginRequest, id: 1, content: []),
                Record(type: Record.beginRequest, id: 1, content: [0, 1]),
                Record(version: 2, type: Record.beginRequest, id: 1, content: [0, 1, 1, 0, 0, 0, 0, 0]),
                Record(version: 0, type: 0, id: 0, content: []),
            ]
            for stray in strays {
                let peer = try server.peer()
                try? peer.send(stray)
                try? peer.send(RawRequest("GET", "/hello"))
                try server.expectAnswers()
            }
        }
    }
}
