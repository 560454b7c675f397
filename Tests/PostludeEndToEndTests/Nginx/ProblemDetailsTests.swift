import Foundation
import Testing

@Suite("Problem details through nginx")
struct ProblemDetailsTests {
    private static let manifest = TestManifest(
        """
        workers: { min: 1, max: 1, reserved-for-requests: 0 }
        overload: { when-busy: refuse, wait: 200ms }
        """,
        routes: """
              - { path: /hello, method: GET, handler: hello }
              - { path: /orders, method: POST, handler: place-order, limits: { body: 1KiB } }
              - { path: /boom, method: GET, handler: boom }
              - { path: /sold-out, method: GET, handler: sold-out }
              - { path: /slow, method: GET, handler: stubborn, limits: { request-timeout: 300ms } }
              - { path: /hold, method: GET, handler: hold }
            """)

    private struct Problem: Decodable {
        struct Issue: Decodable {
            var `in`: String
            var pointer: String
        }

        var type: String
        var title: String
        var status: Int
        var detail: String
        var instance: String?
        var errors: [Issue]?
        var left: Int?
        var requestID: String?

        enum CodingKeys: String, CodingKey {
            case type, title, status, detail, instance, errors, left
            case requestID = "request_id"
        }
    }

    private func problem(_ reply: HTTPReply, _ status: Int) throws -> Problem {
        #expect(reply.status == status, "\(reply.text)")
        #expect(reply.field("Content-Type") == "application/problem+json", "\(reply.text)")
        let problem = try JSONDecoder().decode(Problem.self, from: Data(reply.text.utf8))
        #expect(problem.status == status)
        return problem
    }

    private func run(_ body: (Server, NginxServer) throws -> Void) throws {
        let folder = try TestFolder()
        try folder.write("problem-details", "")
        try Server.run(Self.manifest, in: folder) { server in
            try NginxServer.run(to: server) { nginx in try body(server, nginx) }
        }
    }

    @Test("Every error of server and handlers is a problem, with the path as its instance")
    func errors() throws {
        try run { _, nginx in
            let client = try nginx.client()
            func ask(_ method: String, _ target: String, _ body: String = "") throws -> HTTPReply {
                try client.ask(
                    method, target, fields: ["Content-Type: application/json"], body: Array(body.utf8))
            }
            #expect(try problem(ask("GET", "/nowhere?a=b"), 404).instance == "/nowhere")
            let method = try ask("DELETE", "/hello")
            #expect(
                try problem(method, 405).title == "Method Not Allowed" && method.field("Allow") == "GET, HEAD"
            )
            let large = String(repeating: " ", count: 2_000)
            #expect(try problem(ask("POST", "/orders", large), 413).instance == "/orders")
            let wrong = try problem(ask("POST", "/orders?limit=0", "{\"lines\": [{}]}"), 422)
            #expect(wrong.type == "about:blank")
            #expect(
                wrong.errors?.map { "\($0.in) \($0.pointer)" }.contains("body #/lines/0/item_id") == true)
            let own = try problem(ask("GET", "/sold-out"), 409)
            #expect(own.type == "https://shop.example/problems/sold-out" && own.left == 2)
            let failed = try ask("GET", "/boom")
            let internalError = try problem(failed, 500)
            #expect(internalError.requestID?.isEmpty == false && internalError.instance == "/boom")
            #expect(internalError.detail == "Internal Server Error")
        }
    }

    @Test("So are the answers that no worker makes: late handlers and busy servers")
    func unserved() throws {
        try run { server, nginx in
            let late = try problem(nginx.client().ask("GET", "/slow?gate=late"), 504)
            #expect(late.requestID?.isEmpty == false)
            // The only worker is still in that handler.
            let refused = try nginx.client().ask("GET", "/hello")
            #expect(try problem(refused, 503).title == "Service Unavailable")
            #expect(refused.field("Retry-After") != nil)
            try server.folder.open(gate: "late")
        }
    }
}
