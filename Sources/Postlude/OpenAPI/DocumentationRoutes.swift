internal import HTTPTypes
internal import PostludeManifest
internal import PostludeRouting

/// The document and its page, served where the manifest says so. The document is made once, when the server starts.
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
            routes.append((try RoutePattern(path), page.handler(named: "openapi-page")))
        }
        return routes
    }
}

/// A body that never changes while the process runs, and is sent again only to those who do not have it.
struct StaticDocument: Sendable {
    let contentType: String
    let body: [UInt8]
    let headers: HTTPFields

    init(contentType: String, body: [UInt8]) {
        self.contentType = contentType
        self.body = body
        headers = [
            .eTag: "\"\(Self.checksum(of: body))\"",
            // A new version of the application may have another: to be asked for each time.
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

    /// FNV-1a, 64 bits: the same in every process, and another one when the document is.
    private static func checksum(of bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
