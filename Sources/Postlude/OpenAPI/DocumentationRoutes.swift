internal import HTTPTypes
internal import Manifest
internal import Routing

/// The document and its page, served where the manifest says so. They are made once, when the server starts.
enum DocumentationRoutes {
    static func routes(
        for manifest: Manifest, handlers: [String: Handler]
    ) throws -> [(pattern: RoutePattern, handler: Handler)] {
        let settings = manifest.openAPI
        guard let path = settings.document else { return [] }
        let text = APIDocument(manifest, handlers: handlers).node.text(isPretty: false)
        let document = StaticDocument(contentType: "application/json", body: Array(text.utf8))
        var routes = [(try RoutePattern(path), document.handler(named: "openapi-document"))]
        if let path = settings.page {
            let page = DocumentationPage(title: settings.title, document: text)
            routes.append((try RoutePattern(path), page.content.handler(named: "openapi-page")))
        }
        return routes
    }

    /// Where they are, for the command line.
    static func paths(in manifest: Manifest) -> [(path: String, name: String)] {
        let settings = manifest.openAPI
        return [(settings.document, "(OpenAPI document)"), (settings.page, "(documentation page)")]
            .compactMap { path, name in path.map { ($0, name) } }
    }
}

/// A body that never changes while the process runs, and is sent again only to those who do not have it.
struct StaticDocument: Sendable {
    let contentType: String
    let body: [UInt8]
    let headers: HTTPFields

    init(contentType: String, headers: HTTPFields = [:], body: [UInt8]) {
        self.contentType = contentType
        self.body = body
        var headers = headers
        headers[.eTag] = "\"\(SHA256.hash(of: body).prefix(16).map { Self.hexadecimal($0) }.joined())\""
        // A new version of the application may have another: to be asked for each time.
        headers[.cacheControl] = "no-cache"
        headers[.xContentTypeOptions] = "nosniff"
        self.headers = headers
    }

    func handler(named name: String) -> Handler {
        Handler(name) { (request: Request) in response(to: request) }
    }

    func response(to request: Request) -> Response {
        if let condition = request.headers[.ifNoneMatch],
            EntityTag.List(condition).matchesWeakly(headers[.eTag].flatMap { EntityTag($0) })
        {
            return Response(status: .notModified, headers: headers)
        }
        return Response(contentType: contentType, headers: headers, body: body)
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
