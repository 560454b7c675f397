import Foundation
import HTTPTypes
import Testing

@testable import Postlude
@testable import PostludeManifest

@Suite("The OpenAPI document")
struct APIDocumentTests {
    struct ItemID: Decodable {
        var id: Int
    }

    struct Agent: Decodable {
        var userAgent: String?
    }

    static let handlers = Handlers([
        Handler("show") { (id: Path<ItemID>, agent: Header<Agent>) in ["id": id.id] },
        Handler("search") { (search: Query<Search>, cookies: Cookies<Agent>) -> [Order] in [] },
        Handler("order") { (order: JSONBody<Order>) in },
        Handler("text") { (name: Path<String>) in Response.text(name.value) },
        Handler("made") { (order: JSONBody<Order>) in Created(order.value) },
        Handler("later") { () -> Accepted<[String: Int]> in Accepted([:]) },
        Handler("member") { (member: Dependency<Member>) in "" },
    ])

    struct Member: RequestDependency {
        init(request: Request) {}
        static func describe(_ operation: inout OperationDescription) {
            operation.security += [.bearer, .apiKey(.header, "X-Key")]
        }
    }

    private func document(_ routes: String, settings: String = "") throws -> (JSONValue, APIDocument) {
        let manifest = try Manifest.parse(
            settings + "\nroutes:\n" + routes, file: "routes.yaml", handlers: Self.handlers.all.map(\.name))
        let document = APIDocument(manifest, handlers: Self.handlers.byName)
        return (
            try JSONDecoder().decode(JSONValue.self, from: Data(document.node.text(isPretty: true).utf8)),
            document
        )
    }

    private func operation(_ json: JSONValue, _ path: String, _ method: String = "get") throws -> JSONValue {
        try #require(json["paths"]?[path]?[method], "\(json["paths"] ?? .null)")
    }

    @Test("A value with a status of its own is described with it")
    func statuses() throws {
        let (json, document) = try document(
            """
              - { path: /made, method: POST, handler: made }
              - { path: /later, method: POST, handler: later }
            """)
        #expect(document.notes.isEmpty)
        let made = try operation(json, "/made", "post")
        #expect(
            made["responses"]?["201"]?["content"]?["application/json"]?["schema"]
                == made["requestBody"]?["content"]?["application/json"]?["schema"])
        #expect(made["responses"]?["200"] == nil)
        let later = try operation(json, "/later", "post")
        #expect(later["responses"]?["202"]?["content"]?["application/json"]?["schema"]?["type"] == "object")
    }

    @Test("Patterns become templates with schemas; the prefix is the server")
    func patterns() throws {
        let (json, _) = try document(
            """
              - { path: "/items/{id:int}", method: GET, handler: show, tags: [a], summary: Show, deprecated: true }
              - { path: "/slug/{s:slug}", method: GET, handler: text }
              - { path: "/uuid/{u:uuid}", method: GET, handler: text }
              - { path: "/code/{c:[A-Z]{2}\\\\d+}", method: GET, handler: text }
              - { path: "/odd/{o:(?i)x+y}", method: GET, handler: text }
              - { path: "/files/{rest:path}", method: GET, handler: text }
              - { path: "/a b%2F/{n}-{m}", method: GET, handler: member }
            """.replacing("/a b%2F", with: "/a%20b%2F"), settings: "prefix: /api")
        #expect(json["openapi"] == "3.1.1")
        #expect(json["servers"]?[0]?["url"] == "/api")
        let show = try operation(json, "/items/{id}")
        #expect(show["operationId"] == "show" && show["deprecated"] == true && show["tags"] == ["a"])
        #expect(show["parameters"]?[0]?["schema"]?["type"] == "integer")
        #expect(show["parameters"]?[0]?["required"] == true)
        #expect(show["parameters"]?[1]?["name"] == "user-agent" && show["parameters"]?[1]?["in"] == "header")
        func schema(_ path: String) throws -> JSONValue? {
            try operation(json, path)["parameters"]?[0]?["schema"]
        }
        #expect(try schema("/slug/{s}") == ["type": "string", "pattern": "^[-a-zA-Z0-9_]+$"])
        #expect(try schema("/uuid/{u}") == ["type": "string", "format": "uuid"])
        #expect(try schema("/code/{c}") == ["type": "string", "pattern": "^(?:[A-Z]{2}[0-9]+)$"])
        #expect(try schema("/odd/{o}")?["pattern"] == nil)
        #expect(try schema("/files/{rest}") == ["type": "string"])
        #expect(try operation(json, "/a%20b%2F/{n}-{m}")["parameters"]?[1]?["name"] == "m")
    }

    @Test("A route that takes an Idempotency-Key is described with the header and its errors")
    func idempotency() throws {
        let (json, _) = try document(
            """
              - { path: /orders, method: POST, handler: order, idempotency: { key: required } }
              - { path: /made, method: POST, handler: later, idempotency: {} }
              - { path: /plain, method: POST, handler: order }
            """)
        let order = try operation(json, "/orders", "post")
        let parameter = order["parameters"]?[0]
        #expect(parameter?["name"] == "Idempotency-Key" && parameter?["in"] == "header")
        #expect(parameter?["required"] == true && parameter?["schema"]?["maxLength"] == 255)
        #expect(order["responses"]?["400"] != nil && order["responses"]?["409"] != nil)
        let schema = order["responses"]?["422"]?["content"]?["application/json"]?["schema"]
        #expect(schema?["anyOf"]?[1]?["$ref"] != nil)
        let made = try operation(json, "/made", "post")
        #expect(made["parameters"]?[0]?["required"] == nil && made["responses"]?["422"] != nil)
        let plain = try operation(json, "/plain", "post")
        #expect(plain["parameters"] == nil && plain["responses"]?["409"] == nil)
    }

    @Test("Operations have unique ids, responses and bodies; GET's HEAD is omitted")
    func operations() throws {
        let (json, _) = try document(
            """
              - { path: /orders, methods: [GET, HEAD], handler: search }
              - { path: /orders, methods: [POST, PUT], handler: order }
              - { path: /member, method: GET, handler: member }
              - { path: "/t/{name}", method: GET, handler: text }
            """)
        #expect(json["paths"]?["/orders"]?["head"] == nil)
        let search = try operation(json, "/orders")
        #expect(
            search["responses"]?["200"]?["content"]?["application/json"]?["schema"]?["items"]?["$ref"]
                == "#/components/schemas/Order")
        #expect(search["responses"]?["422"] != nil && search["responses"]?["415"] == nil)
        let order = try operation(json, "/orders", "post")
        #expect(order["operationId"] == "order")
        #expect(try operation(json, "/orders", "put")["operationId"] == "order-put")
        #expect(order["responses"]?["204"] != nil && order["responses"]?["200"] == nil)
        #expect(order["responses"]?["413"] != nil && order["responses"]?["415"] != nil)
        #expect(order["requestBody"]?["required"] == true)
        #expect(try operation(json, "/t/{name}")["responses"]?["2XX"] != nil)
        let member = try operation(json, "/member")
        #expect(member["security"]?[0]?["bearer"] == [] && member["responses"]?["401"] != nil)
        #expect(json["components"]?["securitySchemes"]?["header-X-Key"]?["in"] == "header")
    }

    @Test("Routes that OpenAPI cannot describe are omitted, and listed")
    func omissions() throws {
        let (json, document) = try document(
            """
              - { regex: "/old/.*", method: GET, handler: text }
              - { path: "/x/{a:int}", method: GET, handler: text }
              - { path: "/x/{b:uuid}", methods: [GET, DELETE], handler: text }
              - { path: /purge, method: PURGE, handler: member }
            """)
        #expect(document.notes.count == 3)
        #expect(json["x-omitted-routes"]?[0]?["pattern"] == "/old/.*")
        #expect(json["x-omitted-routes"]?[1]?["methods"] == ["GET"])
        // The path's own name for the parameter, which must be the same for all methods.
        #expect(try operation(json, "/x/{a}", "delete")["parameters"]?[0]?["name"] == "a")
        #expect(json["paths"]?["/purge"] == nil)
    }

    @Test("A further route or method of a handler changes no other operation's id")
    func operationIDs() throws {
        func ids(_ routes: String) throws -> [String: String] {
            let (json, _) = try document(routes)
            guard case .object(let paths) = json["paths"] else { return [:] }
            var ids: [String: String] = [:]
            for (path, item) in paths {
                guard case .object(let operations) = item else { continue }
                for (method, operation) in operations {
                    guard case .string(let id) = operation["operationId"] else { continue }
                    ids["\(method) \(path)"] = id
                }
            }
            return ids
        }
        let routes = """
              - { path: /orders, method: POST, handler: order }
              - { path: /search, method: GET, handler: search }
            """
        let before = try ids(routes)
        #expect(before == ["post /orders": "order", "get /search": "search"])
        let after = try ids(
            routes + "\n" + """
                  - { path: "/old/orders/{year:int}", method: POST, handler: order }
                  - { path: /orders, method: PUT, handler: order }
                  - { path: /search, method: POST, handler: order }
                  - { path: /find, methods: [GET, POST], handler: search, operation-id: find }
                """)
        #expect(
            after
                == before.merging([
                    "post /old/orders/{year}": "order-post-old-orders-year", "put /orders": "order-put",
                    "post /search": "order-post-search", "get /find": "find", "post /find": "find-post",
                ]) { $1 })
    }

    @Test("Successes precede the other answers, and a bound that is infinite is none")
    func answers() throws {
        struct Unbounded: SchemaProviding, Codable {
            static var schema: Schema {
                Schema(["type": "number", "minimum": 0, "maximum": .number(.infinity)])
            }
        }
        struct Page: ResponseConvertible {
            static var answers: [OperationDescription.ResponseDescription] {
                [
                    .init(.forbidden), .init(.seeOther),
                    .init(
                        .created,
                        content: [.init("text/plain", schema: Schema(of: String.self), example: "Kettle")]),
                ]
            }
            func response() throws -> Response { .text("") }
        }
        let handlers = Handlers([
            Handler("page") { (name: Query<[String: String]>) in Page() },
            Handler("bound") { (value: JSONBody<Unbounded>) in },
        ])
        let manifest = try Manifest.parse(
            """
            routes:
              - { path: /page, method: GET, handler: page }
              - { path: /bound, method: POST, handler: bound }
            """, file: "routes.yaml", handlers: handlers.all.map(\.name))
        let text = APIDocument(manifest, handlers: handlers.byName).node.text(isPretty: false)
        let statuses = text.matches(of: /"([0-9]{3}|default)":\{"description"/).map { String($0.1) }
        #expect(statuses.prefix(5) == ["201", "303", "403", "422", "default"])
        #expect(text.contains(#""example":"Kettle""#))
        #expect(text.contains(#""minimum":0"#) && !text.contains("maximum") && !text.contains("null"))
    }

    @Test("Errors are described in the application's format")
    func problems() throws {
        let manifest = try Manifest.parse(
            "routes: [{ path: /orders, method: POST, handler: order }]", file: "routes.yaml",
            handlers: Self.handlers.all.map(\.name))
        let document = APIDocument(manifest, handlers: Self.handlers.byName, errors: .problemDetails)
        let json = try JSONDecoder().decode(
            JSONValue.self, from: Data(document.node.text(isPretty: false).utf8))
        let responses = try operation(json, "/orders", "post")["responses"]
        func schema(_ status: String) -> JSONValue? {
            responses?[status]?["content"]?["application/problem+json"]?["schema"]?["$ref"]
        }
        #expect(schema("413") == "#/components/schemas/Problem")
        #expect(schema("422") == "#/components/schemas/ValidationProblem")
        #expect(schema("default") == "#/components/schemas/Problem")
        let schemas = json["components"]?["schemas"]
        #expect(schemas?["Problem"]?["required"] == ["type", "title", "status"])
        #expect(
            schemas?["ValidationProblem"]?["properties"]?["errors"]?["items"]?["required"]?[0] == "detail")
        #expect(schemas?["Error"] == nil && schemas?["HTTPValidationError"] == nil)
    }

    @Test("The same program makes the same text")
    func stability() throws {
        let routes = "  - { path: /orders, methods: [GET], handler: search }"
        let texts = try (0..<5).map { _ in try document(routes).1.node.text(isPretty: true) }
        #expect(Set(texts).count == 1)
    }

    @Test("Types with the same name get different names")
    func names() {
        enum A { struct Same: Codable { var a: Int } }
        enum B { struct Same: Codable { var b: Int } }
        let components = SchemaComponents(
            [Schema(of: A.Same.self), Schema(of: B.Same.self), Schema(of: Tree.self)],
            errors: ErrorSchemas(.fastAPI))
        guard case .object(let members) = components.node else { return #expect(Bool(false)) }
        let names = members.map(\.name)
        #expect(Set(names).count == 5 && names.contains("Tree") && names.count { $0.contains("Same") } == 2)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) } })
    }

    private struct Receipt: Encodable {
        var sum: Int
    }

    @Test("A response type that can only be encoded is noted, since its schema is unknown")
    func opaqueAnswers() throws {
        let handlers = Handlers([
            Handler("one") { () -> Receipt in Receipt(sum: 1) },
            Handler("all") { () -> [Receipt] in [] },
            Handler("known") { ["sum": 1] },
        ])
        let manifest = try Manifest.parse(
            "routes: ["
                + ["one", "all", "known"].map { "{ path: /\($0), method: GET, handler: \($0) }" }
                .joined(separator: ", ") + "]",
            file: "routes.yaml", handlers: handlers.all.map(\.name))
        let notes = APIDocument(manifest, handlers: handlers.byName).notes
        #expect(notes.map { $0.prefix { $0 != " " } } == ["Array<Receipt>", "Receipt"])
    }
}
