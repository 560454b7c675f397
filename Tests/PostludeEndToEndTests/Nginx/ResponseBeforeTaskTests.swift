import Testing

@Suite("The client has its response before the task has done anything")
struct ResponseBeforeTaskTests {
    static let kinds = ["steps", "steps-async", "steps-closures"]

    @Test("The last byte arrives through nginx while the task waits", arguments: [true, false], kinds)
    func throughNginx(kept: Bool, kind: String) throws {
        try Server.run { server in
            try NginxServer.run(to: server, kept: kept) { nginx in
                for fields in [[], ["Connection: close"]] {
                    let gate = "gate-\(fields.count)"
                    let reply = try nginx.client().ask(
                        "GET", "/\(kind)?gate=\(gate)&label=\(gate)", fields: fields)
                    #expect(reply.status == 200)
                    #expect(reply.text == #"{"status":"queued"}"#)
                    // The task cannot be past its gate, which opens only now, after the last byte has
                    // arrived.
                    #expect(!server.folder.events().contains("\(gate) step 1"))
                    try server.folder.open(gate: gate)
                    try waitUntil("the task is done") { server.folder.events().contains("\(gate) step 1") }
                }
            }
        }
    }

    @Test("END_REQUEST arrives on the socket itself while the task waits", arguments: [true, false], kinds)
    func onTheSocket(keep: Bool, kind: String) throws {
        try Server.run { server in
            let peer = try server.peer()
            let reply = try peer.ask(RawRequest("GET", "/\(kind)?gate=go").with { $0.keep = keep })
            #expect(reply.protocolStatus == FastCGIReply.requestComplete)
            #expect(reply.text == #"{"status":"queued"}"#)
            #expect(server.folder.events().isEmpty)
            if !keep { #expect(peer.isClosed(), "the application has to close before the task, too") }
            #expect(server.folder.events().isEmpty)
            try server.folder.open(gate: "go")
            #expect(try server.folder.events(reaches: 1) == ["step 1"])
        }
    }

    @Test("A megabyte of response is complete while the task waits")
    func largeResponse() throws {
        try Server.run { server in
            try NginxServer.run(to: server) { nginx in
                let reply = try nginx.client().ask("GET", "/big?count=1048576&gate=go")
                #expect(reply.body.count == 1_048_576)
                #expect(server.folder.events().isEmpty)
                try server.folder.open(gate: "go")
                #expect(try server.folder.events(reaches: 1) == ["big done"])
            }
        }
    }
}
