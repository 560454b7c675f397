import Postlude

struct Colour: Codable, Sendable {}

struct Tenant: RequestInput {
    init(request: Request) throws {}
}

struct Page: ResponseConvertible {
    func response() -> Response { .html("") }
}
