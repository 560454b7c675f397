import Testing

@testable import Postlude
@testable import PostludeManifest

@Suite struct PathCheckTests {
    private struct RoomID: Decodable { var id: Int }
    private struct Both: InputFields {
        @Field var shop: String
        @Field(name: "order_id") var order: Int
        @Field var page: Int?
    }
    private struct Custom: RequestInput { init(request: Request) {} }

    private static let handlers = Handlers([
        Handler("room") { (id: Path<RoomID>) in "\(id.id)" },
        Handler("both") { (both: Path<Both>) in both.shop },
        Handler("one") { (id: Path<Int>) in "\(id.value)" },
        Handler("maybe") { (id: Path<Int?>) in "\(id.value ?? 0)" },
        Handler("any") { (all: Path<[String: String]>) in all.value },
        Handler("none") { "" },
        Handler("request") { (id: Path<RoomID>, request: Request) in request.parameters["more"] ?? "" },
        Handler("custom") { (id: Path<RoomID>, custom: Custom) in "\(id.id)" },
    ])

    private func mistakes(_ handler: String, _ path: String) -> [String] {
        do {
            _ = try Self.handlers.manifest(
                "routes:\n  - method: GET\n    handler: \(handler)\n    path: \"\(path)\"\n",
                file: "routes.yaml")
            return []
        } catch {
            return "\(error)".split(separator: "\n").map(String.init)
        }
    }

    @Test(arguments: [
        ("room", "/rooms/{id:int}"), ("both", "/{shop}/{order_id}"), ("both", "/{shop}/{order_id}/{page}"),
        ("one", "/{id}"), ("one", "/{room:int}"), ("maybe", "/"), ("maybe", "/{id}"), ("any", "/{a}/{b}"),
        ("any", "/"), ("none", "/{a}"), ("request", "/{id}/{more}"), ("custom", "/{id}/{more}"),
    ])
    func `a path that has the handler's parameters is valid`(handler: String, path: String) {
        #expect(mistakes(handler, path) == [])
    }

    @Test func `a name that the input does not have is refused, with line and column`() {
        #expect(
            mistakes("room", "/rooms/{room:int}") == [
                "routes.yaml:4:11: the handler \"room\" takes `id` of its path; found {room}, expected {id}"
            ])
        #expect(
            mistakes("room", "/rooms/{id}/{page}") == [
                "routes.yaml:4:11: unknown parameter {page}, expected one that the handler \"room\" takes: id"
            ])
    }

    @Test func `a member that no parameter provides is refused`() {
        #expect(
            mistakes("room", "/rooms") == [
                "routes.yaml:4:11: the handler \"room\" takes `id` of its path; the path has no such parameter, expected {id}"
            ])
        #expect(mistakes("both", "/{shop}").count == 1)
        #expect(mistakes("request", "/{more}").count == 1)
    }

    @Test func `a scalar takes the only parameter`() {
        #expect(
            mistakes("one", "/{a}/{b}") == [
                "routes.yaml:4:11: the handler \"one\" takes the only parameter of its path; found 2: a, b, expected one"
            ])
        #expect(mistakes("one", "/").count == 1)
        #expect(mistakes("maybe", "/{a}/{b}").count == 1)
    }

    @Test func `two forms of one body are refused`() {
        let handlers = Handlers([
            Handler("x") { (body: JSONBody<RoomID>, form: Form<RoomID>) in "\(body.id)" },
            Handler("y") { (one: JSONBody<RoomID>, other: JSONBody<JSONValue>) in "\(one.id)" },
        ])
        #expect(handlers.problems.count == 1)
        #expect(
            handlers.problems.first
                == """
                handler "x": JSONBody<RoomID> and Form<RoomID> cannot be combined: a body is JSON or a form, so that \
                every request would be refused; make two handlers
                """)
        let withFiles = Handlers([Handler("x") { (body: JSONBody<RoomID>, form: MultipartForm) in "" }])
        #expect(withFiles.problems.count == 1)
    }
}
