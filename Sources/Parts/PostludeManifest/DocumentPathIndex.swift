internal import HTTPTypes
internal import PostludeRouting

/// Knows which paths a manifest's routes take from those of the OpenAPI document and its page.
struct DocumentPathIndex {
    /// The manifest's, which stands in front of the documents' paths as well.
    let prefix: String
    private let routes: [Manifest.Route]

    init(_ manifest: Manifest) {
        prefix = manifest.prefix
        routes = manifest.routes.filter { $0.methods.contains(.get) }
    }

    /// The first route that answers GET for a path of literals.
    func route(taking path: String) -> Manifest.Route? {
        guard let pattern = try? RoutePattern(path) else { return nil }
        let covering = routes.first { $0.pattern.covers(pattern) }
        // Comparing patterns is quick, but only matching shows what an application's own expression takes.
        let expressions = routes.filter { $0.isRegex || RouteShape(pattern: $0.pattern.text).hasUnknown }
        let matching = expressions.isEmpty ? nil : Self.first(of: expressions, matching: path)
        let earliest = [covering, matching].compactMap(\.self)
        return earliest.min { ($0.location.position ?? Self.start) < ($1.location.position ?? Self.start) }
    }

    /// Whether two paths of literals are the same path.
    static func areEqual(_ one: String, _ other: String) -> Bool {
        guard let one = try? RoutePattern(one), let other = try? RoutePattern(other) else { return false }
        return one.covers(other)
    }

    private static let start = SourcePosition(line: 0, column: 0)

    private static func first(of routes: [Manifest.Route], matching path: String) -> Manifest.Route? {
        guard let table = try? RouteTable(routes.map { ([.get], $0.pattern) }),
            let path = try? Array(path.utf8).withUnsafeBufferPointer(RoutePath.init(requestURI:)),
            let matcher = try? RouteMatcher(),
            case .route(let index, _) = table.route(.get, path, using: matcher),
            routes.indices.contains(index)
        else { return nil }
        return routes[index]
    }
}
