import Foundation
import Testing

@Suite("Inputs through nginx")
struct InputTests {
    private static let manifest = TestManifest(
        routes: """
              - { path: /orders, method: POST, handler: place-order, limits: { body: 4KiB } }
              - { path: /search, method: POST, handler: search-by-form }
              - { path: /shipments, method: POST, handler: ship }
              - { path: /bookings, method: POST, handler: book }
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

    /// The `detail` of a response: place and type of each issue.
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

    @Test("Valid values reach the handler from query, body, cookies and form")
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

    @Test(
        "Dates are read and written as in RFC 3339, days and local times as HTML sends them, UUIDs in lower case"
    )
    func dates() throws {
        try run { client in
            func book(_ members: String) throws -> HTTPReply {
                try ask(client, "/bookings", "application/json", "{\(members)}")
            }
            let local = try book(
                #""day": "2030-01-31", "from": "2030-01-31T12:00", "at": "2030-01-31T13:00:00.5+0100", "#
                    + #""id": "E621E1F8-C36C-495A-93FC-0C247A3E6E5F", "seats": 1, "seats": 2"#)
            #expect(local.status == 201 && local.field("Location") == "/bookings?day=2030-01-31")
            #expect(
                local.text
                    == """
                    {"at":"2030-01-31T12:00:00.500Z","day":"2030-01-31","from":"2030-01-31T12:00:00",\
                    "id":"e621e1f8-c36c-495a-93fc-0c247a3e6e5f","seats":2}
                    """)
            for time in ["0001-01-01T00:00:00Z", "1582-10-14T00:00:00Z", "9999-12-31T23:59:59Z"] {
                #expect(
                    try book("\"day\": \"2030-01-31\", \"at\": \"\(time)\"").text.contains(
                        "\"at\":\"\(time)\""))
            }
            let wrong = try book(#""day": "2030-02-30", "at": "2030-01-31T12:00""#)
            #expect(wrong.status == 422)
            #expect(try issues(wrong) == ["body.day date_parsing", "body.at datetime_parsing"])
        }
    }

    @Test("Members of a form's nested types are in the names of its fields, and hostile names are refused")
    func nested() throws {
        try run { client in
            func ship(_ body: String) throws -> HTTPReply {
                try ask(client, "/shipments", "application/x-www-form-urlencoded", body)
            }
            let reply = try ship(
                "address%5Bcity%5D=Oslo&parcels[5].name=b&parcels[0][name]=a&parcels[0][weight]=1.5&parcels[5][weight]="
            )
            #expect(reply.text == #"["Oslo","a 1.5","b 0.0"]"#)
            let deep = "a" + String(repeating: "[0]", count: 2_000)
            for (body, issue) in [
                ("parcels[999999999][name]=a&address.city=b", "body.parcels.999999999 key_index"),
                ("address=a&address[city]=b", "body.address[city] key_conflict"),
                ("address[city]=a&parcels[0][weight]=x", "body.parcels.0.name missing"),
            ] {
                let refused = try ship(body)
                #expect(refused.status == 422)
                #expect(try issues(refused).first == issue)
            }
            let refused = try ship("\(deep)=1")
            #expect(refused.status == 422 && refused.text.contains("key_depth") && refused.body.count < 1_000)
        }
    }

    @Test("A response of one status is sent with the path of another route, with the manifest's prefix")
    func statuses() throws {
        let manifest = TestManifest(
            "prefix: /api",
            routes: """
                  - { path: /shipments, method: POST, handler: ship-later }
                  - { path: "/shipments/{id:int}", method: GET, handler: show-shipment }
                  - { path: "/shipments/{id:int}", method: DELETE, handler: forget-shipment }
                """)
        try Server.run(manifest) { server in
            try NginxServer.run(to: server) { nginx in
                let client = try nginx.client()
                let reply = try ask(
                    client, "/api/shipments", "application/x-www-form-urlencoded",
                    "address[city]=S%C3%A3o+Paulo&parcels[0][name]=a")
                #expect(reply.status == 303)
                let location = try #require(reply.field("Location"))
                #expect(location.hasSuffix("/api/shipments/1?city=S%C3%A3o%20Paulo"))
                #expect(try client.ask("GET", "/api/shipments/1?city=S%C3%A3o%20Paulo").text == #"{"id":1}"#)
                #expect(try client.ask("DELETE", "/api/shipments/1").status == 204)
            }
        }
    }

    @Test("All mistakes in all inputs are in one response with 422")
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

    @Test("A body of another type gets 415, which names the expected type")
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
