import Foundation
import Testing

@Suite("Inputs, through nginx")
struct InputTests {
    private static let manifest = TestManifest(
        routes: """
              - { path: /orders, method: POST, handler: place-order, limits: { body: 4KiB } }
              - { path: /search, method: POST, handler: search-by-form }
            """)

    private func run(_ body: (HTTPClient) throws -> Void) throws {
        try Server.run(Self.manifest) { server in
            try NginxServer.run(to: server) { nginx in try body(nginx.client()) }
        }
    }

    private func ask(
        _ client: HTTPClient, _ target: String, _ type: String?, _ body: String, cookie: String? = nil
    ) throws -> HTTPReply {
        let fields =
            (type.map { ["Content-Type: \($0)"] } ?? []) + (cookie.map { ["Cookie: \($0)"] } ?? [])
        return try client.ask("POST", target, fields: fields, body: Array(body.utf8))
    }

    /// The `detail` of an answer: place and type of each issue.
    private func issues(_ reply: HTTPReply) throws -> [String] {
        struct Answer: Decodable {
            struct Issue: Decodable {
                enum Step: Decodable {
                    case key(String), index(Int)

                    init(from decoder: any Decoder) throws {
                        let container = try decoder.singleValueContainer()
                        self =
                            if let index = try? container.decode(Int.self) { .index(index) } else {
                                .key(try container.decode(String.self))
                            }
                    }
                }

                var loc: [Step]
                var type: String
            }

            var detail: [Issue]
        }
        return try JSONDecoder().decode(Answer.self, from: Data(reply.text.utf8)).detail.map { issue in
            let steps = issue.loc.map { step in
                switch step {
                case .key(let key): key
                case .index(let index): "\(index)"
                }
            }
            return "\(steps.joined(separator: ".")) \(issue.type)"
        }
    }

    @Test("What fits its declaration reaches the handler, from query, body, cookies and form")
    func sound() throws {
        try run { client in
            let order = try ask(
                client, "/orders?q=a+b&limit=3", "application/json; charset=utf-8",
                #"{"lines": [{"item_id": 7}], "currency": "SEK"}"#, cookie: "x=1; session=\"12345678\"")
            #expect(order.status == 200)
            #expect(order.text == #"["a b","3","SEK","[7]","12345678"]"#)
            let form = try ask(
                client, "/search", "application/x-www-form-urlencoded", "q=%C3%A4&limit=&tags=x&tags=y")
            #expect(form.text == #"["ä","20","x","y"]"#)
        }
    }

    @Test("Everything that is wrong with all inputs is in one answer with 422")
    func violations() throws {
        try run { client in
            let reply = try ask(
                client, "/orders?limit=0&tags=1&tags=2&tags=3&tags=4", "application/json",
                #"{"lines": [{"item_id": 0}, {"count": 10}], "currency": "eur"}"#, cookie: "session=1234567")
            #expect(reply.status == 422)
            #expect(
                try issues(reply) == [
                    "query.q missing", "query.limit greater_than_equal", "query.tags too_long",
                    "body.lines.0.item_id greater_than", "body.lines.1.item_id missing",
                    "body.lines.1.count less_than_equal", "body.currency string_pattern_mismatch",
                    "cookie.session string_too_short",
                ])
            #expect(reply.text.contains(#""ctx":{"gt":0}"#))
        }
    }

    @Test("Malformed JSON gets 422 with its position")
    func malformed() throws {
        try run { client in
            let reply = try ask(
                client, "/orders?q=a", "application/json", "{\"lines\":\n [1,]}", cookie: "session=12345678")
            #expect(reply.status == 422)
            #expect(try issues(reply) == ["body.14 json_invalid"])
            #expect(reply.text.contains(#""column":5"#) && reply.text.contains(#""line":2"#))
        }
    }

    @Test("A body of another type gets 415, which says what is expected")
    func unsupported() throws {
        try run { client in
            for type in ["text/plain", "application/x-www-form-urlencoded", nil] {
                let reply = try ask(client, "/orders?q=a", type, "{}", cookie: "session=12345678")
                #expect(reply.status == 415)
                #expect(reply.text.contains("Content-Type should be application/json"))
            }
            let form = try ask(client, "/search", "application/json", "{}")
            #expect(form.status == 415)
        }
    }

    @Test("A body over its route's limit gets 413")
    func tooLarge() throws {
        try run { client in
            let body = #"{"currency": "\#(String(repeating: "A", count: 5_000))"}"#
            let reply = try ask(client, "/orders?q=a", "application/json", body)
            #expect(reply.status == 413)
        }
    }
}
