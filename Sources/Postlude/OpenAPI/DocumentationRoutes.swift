internal import HTTPTypes
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeSystem

/// The routes of the OpenAPI document and its page, at the paths that the manifest gives. The document is created once,
/// when the server starts.
enum DocumentationRoutes {
    static func routes(
        for manifest: Manifest, handlers: [String: Handler], errors: ErrorFormat, guards: Guards
    ) throws -> [(pattern: RoutePattern, handler: Handler)] {
        let settings = manifest.openAPI
        guard let path = settings.document else { return [] }
        let text = APIDocument(manifest, handlers: handlers, errors: errors, guards: guards).node.text(
            isPretty: false)
        let document = StaticDocument(contentType: "application/json", body: Array(text.utf8))
        var routes = [(try RoutePattern(path), document.handler(named: "openapi-document"))]
        if let path = settings.page {
            let page = DocumentationPage(title: settings.title, document: text)
            routes.append((try RoutePattern(path), page.handler(named: "openapi-page")))
        }
        return routes
    }
}

/// A response body that does not change while the process runs, with an entity tag for conditional requests.
struct StaticDocument: Sendable {
    let contentType: String
    let body: [UInt8]
    let headers: HTTPFields

    init(contentType: String, body: [UInt8]) {
        self.contentType = contentType
        self.body = body
        headers = [
            .eTag: "\"\(Self.checksum(of: body))\"",
            // Clients must revalidate, since a new version of the application may have another document.
            .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
        ]
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

    /// Returns a hash that is equal in all processes, and differs if the document differs.
    private static func checksum(of bytes: [UInt8]) -> String {
        var hash = StableHash()
        hash.add(bytes)
        return String(hash.value, radix: 16)
    }
}
