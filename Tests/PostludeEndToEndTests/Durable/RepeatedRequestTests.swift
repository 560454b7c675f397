import Foundation
import PostludeSystem
import Testing

@Suite("Repeated requests")
struct RepeatedRequestTests {
    private static func fields(_ key: String) -> [String] {
        ["Idempotency-Key: \(key)", "Content-Type: application/json"]
    }

    private static let body = Array(#"{"amount": 5}"#.utf8)

    private static func request(_ target: String, key: String?) -> RawRequest {
        RawRequest("POST", target).with {
            $0.body = body
            if let key { $0.parameters.append(("HTTP_IDEMPOTENCY_KEY", key)) }
        }
    }

    /// An answer as a client sees it, without the fields that nginx adds.
    private struct Answer: Hashable {
        let status: Int
        let fields: [String]
        let body: [UInt8]

        init(_ reply: HTTPReply) {
            status = reply.status
            let own = ["date", "server", "connection"]
            fields = reply.head.fields.filter { !own.contains($0.name.lowercased()) }.map {
                "\($0.name): \($0.value)"
            }
            body = reply.body
        }
    }

    /// Sends the same request by 16 clients at once, each on a connection of its own.
    private static func crowd(
        _ nginx: NginxServer, _ target: String, key: String, untilAnswered: Bool = false
    ) -> [HTTPReply] {
        let replies = Lock<[HTTPReply]>([])
        let port = nginx.port
        DispatchQueue.concurrentPerform(iterations: 16) { _ in
            while let client = try? HTTPClient(port: port),
                let reply = try? client.ask("POST", target, fields: fields(key), body: body)
            {
                replies.withLock { $0.append(reply) }
                guard untilAnswered, reply.status == 409 else { return }
            }
        }
        return replies.withLock { $0 }
    }

    private static let settings = "processes: { count: 2 }\nworkers: { min: 8, max: 32 }"

    @Test(
        "Of 16 clients that send the same request at once to two processes, one is handled; all get its answer, or 409 until then"
    )
    func crowd() throws {
        try DurableServer.run(Self.settings, isSupervised: true) { server in
            try NginxServer.run(to: server) { nginx in
                for round in 1...10 {
                    let replies = Self.crowd(
                        nginx, "/pay?label=\(round)", key: "\"key-\(round)\"", untilAnswered: true)
                    let answered = replies.filter { $0.status == 202 }
                    #expect(answered.count == 16)
                    #expect(replies.allSatisfy { $0.status == 202 || $0.status == 409 })
                    #expect(Set(answered.map(Answer.init)).count == 1)
                    #expect(answered[0].field("task-id")?.split(separator: ", ").count == 2)
                    for reply in replies where reply.status == 409 {
                        #expect(reply.field("retry-after") == "1")
                    }
                }
                #expect(Set(server.folder.events("handled")) == Set((1...10).map(String.init)))
                #expect(server.folder.events("handled").count == 10)
                #expect(Set(try server.folder.events(reaches: 20)).count == 20)
                // A later request's tasks run after all earlier ones: no more have been added.
                _ = try server.add("/single?label=last")
                #expect(try server.folder.events(reaches: 21).count == 21)
            }
        }
    }

    @Test("While a request is answered, its repetitions get 409, also from another process")
    func inFlight() throws {
        let folder = try TestFolder()
        try DurableServer.run(in: folder) { one in
            try DurableServer.run(in: folder, at: .unix(folder.file("two.socket"))) { two in
                let peer = try one.peer()
                try peer.send(Self.request("/pay?label=a&gate=go", key: "k"))
                _ = try folder.events("handled", reaches: 1)
                for server in [one, two] {
                    let reply = try server.ask(Self.request("/pay?label=a&gate=go", key: "k"))
                    #expect(reply.status == 409 && reply.http.field("retry-after") == "1")
                    #expect(reply.text.contains("still being answered"))
                }
                try folder.open(gate: "go")
                let first = try peer.reply()
                #expect(first.status == 202)
                for server in [one, two] {
                    let reply = try server.ask(Self.request("/pay?label=a&gate=go", key: "\"k\""))
                    #expect(reply.stdout == first.stdout)
                }
                #expect(folder.events("handled") == ["a"])
                #expect(try folder.events(reaches: 2) == ["a 1", "a 2"])
            }
        }
    }

    @Test("After kill -9 in the handler, the request is handled anew, and has one set of tasks")
    func killed() throws {
        let folder = try TestFolder()
        try DurableServer.run(in: folder, ending: .any) { server in
            try server.peer().send(Self.request("/pay?label=a&gate=go", key: "k"))
            _ = try folder.events("handled", reaches: 1)
            server.process.send(signal: SIGKILL)
            #expect(try server.process.waitForExit() == .signal(SIGKILL))
        }
        try folder.open(gate: "go")
        var first: FastCGIReply?
        try DurableServer.run(in: folder) { server in
            let reply = try server.ask(Self.request("/pay?label=a&gate=go", key: "k"))
            #expect(reply.status == 202)
            first = reply
            #expect(folder.events("handled") == ["a", "a"])
            #expect(try folder.events(reaches: 2) == ["a 1", "a 2"])
        }
        try DurableServer.run(in: folder) { server in
            let reply = try server.ask(Self.request("/pay?label=a&gate=go", key: "k"))
            #expect(reply.stdout == first?.stdout)
            _ = try server.add("/single?label=last")
            #expect(try folder.events(reaches: 3) == ["a 1", "a 2", "last 1"])
            #expect(folder.events("handled") == ["a", "a"])
        }
    }

    @Test(
        "Another request with the key is 422, none and a malformed key are 400, and the texts say what to do")
    func refused() throws {
        try DurableServer.run { server in
            #expect(try server.ask(Self.request("/pay?label=a", key: "k")).status == 202)
            let other = try server.ask(
                Self.request("/pay?label=a", key: "k").with { $0.body = [0x7b, 0x7d] })
            #expect(other.status == 422 && other.text.contains("use a new key"))
            #expect(try server.ask(Self.request("/pay?label=b", key: "k")).status == 422)
            let missing = try server.ask(Self.request("/pay?label=a", key: nil))
            #expect(missing.status == 400 && missing.text.contains("needs the header Idempotency-Key"))
            #expect(try server.ask(Self.request("/pay?label=a", key: "a b")).status == 400)
            let twice = Self.request("/pay?label=a", key: "k").with {
                $0.parameters.append(("HTTP_IDEMPOTENCY_KEY", "k"))
            }
            #expect(try server.ask(twice).status == 400)
            #expect(server.folder.events("handled") == ["a"])
        }
    }

    @Test("A handler past its time limit is answered 504, and its request can be repeated when it has ended")
    func late() throws {
        let limits = "limits: { request-timeout: 200ms }\nworkers: { min: 2, max: 8 }"
        try DurableServer.run(limits) { server in
            let first = try server.ask(Self.request("/pay?label=a&gate=go", key: "k"))
            #expect(first.status == 504)
            try server.folder.open(gate: "go")
            let second = try eventually("the key is free") {
                let reply = try server.ask(Self.request("/pay?label=a&gate=go", key: "k"))
                return reply.status == 409 ? nil : reply
            }
            #expect(second.status == 202)
            #expect(server.folder.events("handled") == ["a", "a"])
            #expect(try server.folder.events(reaches: 2) == ["a 1", "a 2"])
        }
    }

    @Test("If the task store cannot be written, the answer is 503, and the key is free again")
    func unwritable() throws {
        try DurableServer.run(taskStore: "lock-timeout: 50ms") { server in
            try SQLiteFile("tasks.sqlite", in: server.folder).whileLocked {
                let reply = try server.ask(Self.request("/pay?label=a", key: "k"))
                #expect(reply.status == 503 && reply.http.field("retry-after") == "5")
                #expect(reply.http.field("task-id") == nil)
            }
            #expect(try server.ask(Self.request("/pay?label=a", key: "k")).status == 202)
            #expect(try server.folder.events(reaches: 2) == ["a 1", "a 2"])
        }
    }

    @Test(
        "`routes` shows which routes take keys, and `check` refuses them for an application without durable tasks"
    )
    func commands() throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", DurableServer.manifest(in: folder).text)
        let routes = try Command(
            BuildProducts.durableTestbed, ["routes", "--manifest", folder.file("routes.yaml")], in: folder)
        #expect(routes.output.contains(#/POST +\/pay +required +pay/#), "\(routes.output)")
        try folder.write(
            "plain.yaml", "routes: [{ path: /echo, method: POST, handler: echo, idempotency: {} }]")
        let check = try Command(
            BuildProducts.testbed, ["check", "--manifest", folder.file("plain.yaml")], in: folder)
        #expect(check.exit != .status(0))
        #expect(
            (check.output + check.errors).contains(
                "the application has no durable tasks, expected no `idempotency`"),
            "\(check.output)\(check.errors)")
    }
}
