import Foundation
import Testing

@Suite("Responses through nginx")
struct ResponseTests {
    private struct Problem: Decodable, Equatable {
        struct Detail: Decodable, Equatable {
            var loc: [String]
            var msg: String
            var type: String
        }

        var detail: [Detail]
    }

    private static func run(_ body: (Server, HTTPClient) throws -> Void) throws {
        try Server.run { server in
            try NginxServer.run(to: server) { try body(server, try $0.client()) }
        }
    }

    private static func problem(_ reply: HTTPReply) throws -> Problem {
        try JSONDecoder().decode(Problem.self, from: Data(reply.body))
    }

    @Test("HEAD is served by GET's handler, without the body")
    func head() throws {
        try Self.run { server, client in
            let reply = try client.ask("HEAD", "/hello")
            #expect(reply.status == 200 && reply.body.isEmpty)
            #expect(try client.ask("GET", "/hello").text == "hello")
            let raw = try server.ask(RawRequest("HEAD", "/hello"))
            #expect(raw.status == 200 && raw.http.body.isEmpty)
            #expect(try client.ask("HEAD", "/steps").status == 200)
            _ = try server.folder.events(reaches: 1)
        }
    }

    @Test("An unknown path gets 404, a wrong method 405 with Allow")
    func notFoundAndNotAllowed() throws {
        try Self.run { _, client in
            let missing = try client.ask("GET", "/no/such/page")
            #expect(missing.status == 404 && missing.text == #"{"detail":"Not Found"}"#)
            #expect(missing.field("Content-Type")?.hasPrefix("application/json") == true)
            let wrong = try client.ask("DELETE", "/echo")
            #expect(wrong.status == 405 && wrong.text == #"{"detail":"Method Not Allowed"}"#)
            let allowed = Set(
                (wrong.field("Allow") ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") })
            #expect(allowed == ["POST", "PUT"])
            let get = try client.ask("POST", "/hello", body: Array("x".utf8))
            #expect(get.status == 405)
            #expect(
                Set((get.field("Allow") ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") }) == [
                    "GET", "HEAD",
                ])
        }
    }

    @Test("A query is decoded, and a missing value is reported in FastAPI's format")
    func query() throws {
        try Self.run { _, client in
            let good = try client.ask("POST", "/send?email=a%40b.example&message=f%C3%BCr+dich")
            let answer = try JSONDecoder().decode([String: String].self, from: Data(good.body))
            #expect(answer == ["to": "a@b.example", "message": "für dich"])
            let missing = try client.ask("POST", "/send?message=x")
            #expect(missing.status == 422)
            #expect(
                try Self.problem(missing).detail
                    == [.init(loc: ["query", "email"], msg: "Field required", type: "missing")])
            let wrong = try client.ask("GET", "/steps?count=many")
            #expect(wrong.status == 422)
            #expect(try Self.problem(wrong).detail.first?.loc == ["query", "count"])
            #expect(try Self.problem(wrong).detail.first?.type == "int_parsing")
        }
    }

    @Test("A path parameter's pattern gives 404, its value 422")
    func path() throws {
        try Self.run { server, client in
            #expect(try client.ask("POST", "/process/42").text == #"{"item_id":42}"#)
            #expect(try server.folder.events(reaches: 1) == ["item 42"])
            #expect(try client.ask("POST", "/process/abc").status == 404)
            for value in ["abc", "99999999999999999999999"] {
                let wrong = try client.ask("POST", "/value/\(value)")
                #expect(wrong.status == 422)
                #expect(try Self.problem(wrong).detail.map(\.loc) == [["path", "item_id"]])
            }
            let huge = try client.ask("POST", "/process/99999999999999999999999")
            #expect([404, 422].contains(huge.status))
            #expect(server.folder.events().count == 1)
        }
    }

    @Test("A body is validated as its model demands, including an e-mail address")
    func body() throws {
        try Self.run { _, client in
            let good = try client.ask("POST", "/register", json: #"{"name":"Ada","email":"ada@example.org"}"#)
            #expect(good.status == 201)
            let answer = try JSONDecoder().decode([String: String].self, from: Data(good.body))
            #expect(answer == ["name": "Ada", "email": "ada@example.org"])
            let cases: [(String, [String])] = [
                (#"{"name":"Ada","email":"no address"}"#, ["body", "email"]),
                (#"{"email":"ada@example.org"}"#, ["body", "name"]),
                (#"{"name":"Ada","email":"ada@example.org","age":"old"}"#, ["body", "age"]),
            ]
            for (json, location) in cases {
                let wrong = try client.ask("POST", "/register", json: json)
                #expect(wrong.status == 422, "\(json)")
                #expect(try Self.problem(wrong).detail.map(\.loc) == [location], "\(wrong.text)")
            }
            for json in ["{", "", "[]", "\u{0}", "nul", #"{"name":"#] {
                let wrong = try client.ask("POST", "/register", json: json)
                #expect(wrong.status == 422 || wrong.status == 400, "\(json)")
                #expect(wrong.text.contains("detail"))
            }
        }
    }

    @Test("A handler's status and field reach the client, and its fields cannot break the head")
    func ownFields() throws {
        try Self.run { _, client in
            let reply = try client.ask("GET", "/tagged?tag=blue")
            #expect(reply.status == 202 && reply.text == "blue")
            #expect(reply.field("X-Tag") == "blue")
            let split = try client.ask("GET", "/tagged?tag=a%0D%0AX-Evil:%20yes")
            #expect(split.field("X-Evil") == nil)
            #expect(try client.ask("GET", "/hello").text == "hello")
        }
    }

    @Test("A handler's error is 500 for the client, and is only in the log")
    func internalError() throws {
        try Self.run { server, client in
            let reply = try client.ask("GET", "/boom")
            #expect(reply.status == 500)
            let answer = try JSONDecoder().decode([String: String].self, from: Data(reply.body))
            #expect(Set(answer.keys) == ["detail", "request_id"])
            #expect(answer["detail"] == "Internal Server Error")
            let line = try server.logLine(holding: "the password of the database")
            #expect(line.contains("/boom") && line.contains("error"), "\(line)")
            #expect(line.contains(answer["request_id"] ?? "none"), "\(line)")
            #expect(try client.ask("GET", "/hello").text == "hello")
        }
    }

    @Test("A handler that awaits the main actor responds")
    func mainActor() throws {
        try Self.run { _, client in
            for count in 1...3 {
                let reply = try client.ask("GET", "/main-actor")
                #expect(reply.text == "{\"count\":\(count)}")
            }
        }
    }

    @Test("A handler sees the request as the client sent it")
    func request() throws {
        try Self.run { _, client in
            let reply = try client.ask("GET", "/inspect?a=1&b=%20", fields: ["X-Test: one", "X-Test: two"])
            let seen = try JSONDecoder().decode([String: String].self, from: Data(reply.body))
            #expect(seen["method"] == "GET" && seen["path"] == "/inspect")
            #expect(seen["query"] == "a=1&b=%20")
            #expect(seen["address"] == "127.0.0.1")
            #expect(["one|two", "one, two"].contains(seen["x-test"]))
        }
    }

    private static let outputs = TestManifest(
        routes: """
              - { path: /hello, method: GET, handler: hello }
              - { path: /status, method: GET, handler: status }
              - { path: /redirect, method: GET, handler: redirect }
              - { path: /cookies, method: GET, handler: cookies }
            """)

    private static func runOutputs(_ body: (HTTPClient) throws -> Void) throws {
        try Server.run(outputs) { server in
            try NginxServer.run(to: server) { try body(try $0.client()) }
        }
    }

    @Test("A status without a body has none, and the connection continues", arguments: [204, 205, 304])
    func noBody(code: Int) throws {
        try Self.runOutputs { client in
            let reply = try client.ask("GET", "/status?code=\(code)")
            #expect(reply.status == code && reply.body.isEmpty)
            #expect(reply.field("Content-Length") == (code == 205 ? "0" : nil))
            #expect(try client.ask("GET", "/status?code=201").text == "body")
        }
    }

    @Test("A redirect's target reaches the client, and cannot add a header field")
    func redirect() throws {
        try Self.runOutputs { client in
            let reply = try client.ask("GET", "/redirect?to=%2Fsettings%3Fa%3Db")
            #expect(reply.status == 303 && reply.body.isEmpty)
            #expect(reply.field("Location")?.hasSuffix("/settings?a=b") == true)
            let split = try client.ask("GET", "/redirect?to=%2Fa%0D%0ASet-Cookie:%20x%3D1")
            #expect(split.field("Set-Cookie") == nil)
            #expect(split.field("Location")?.hasSuffix("/a%0D%0ASet-Cookie:%20x=1") == true)
        }
    }

    @Test("Several cookies reach the client as several fields")
    func cookies() throws {
        try Self.runOutputs { client in
            let reply = try client.ask("GET", "/cookies")
            let cookies = reply.head.fields.filter { $0.name.lowercased() == "set-cookie" }.map(\.value)
            #expect(cookies.count == 3 && reply.text == "cookies")
            #expect(cookies.first == "__Host-session=a1; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax")
            #expect(cookies.last?.hasPrefix("old=; Path=/; Max-Age=0; ") == true)
        }
    }
}
