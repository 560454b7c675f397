internal import HTTPTypes
internal import PostludeRouting

/// Decoding of `openapi`, and of the keys of a route that describe it in the documentation.
extension ManifestDecoder {
    /// The texts, tags and operation id of a route in the documentation.
    struct RouteDocumentation {
        var operationID: String?
        var summary: String?
        var description: String?
        var tags: [String] = []
        var deprecated = false
    }

    func documentation(
        _ keys: MappingReader<RouteKey>, _ operationIDs: inout [String: Int]
    ) -> RouteDocumentation {
        RouteDocumentation(
            operationID: keys[.operationID].flatMap { operationID($0, &operationIDs) },
            summary: keys[.summary].flatMap { words($0, for: "`summary`", expected: "a line of text") },
            description: keys[.description].flatMap { words($0, for: "`description`", expected: "a text") },
            tags: keys[.tags].map(tags) ?? [],
            deprecated: keys[.deprecated].flatMap { reader.boolean($0, for: "`deprecated`") } ?? false)
    }

    /// Decodes `openapi`.
    ///
    /// - Parameter manifest: the rest of the manifest, with its prefix and routes.
    func openAPI(_ node: Node, in manifest: Manifest) -> Manifest.OpenAPI {
        var openAPI = Manifest.OpenAPI()
        guard let keys = reader.mapping(node, keys: OpenAPIKey.self, name: OpenAPIKey.mapping) else {
            return openAPI
        }
        if let node = keys[.title], let title = words(node, for: "`title`", expected: "the API's name") {
            openAPI.title = title
        }
        if let node = keys[.version], let version = version(node) { openAPI.version = version }
        openAPI.description = keys[.description].flatMap {
            words($0, for: "`description`", expected: "a text")
        }
        let index = DocumentPathIndex(manifest)
        openAPI.document = keys[.document].flatMap {
            path($0, name: "`document`", such: "/openapi.json", index)
        }
        openAPI.page = keys[.page].flatMap { path($0, name: "`page`", such: "/docs", index) }
        if let node = keys[.page] {
            if keys[.document] == nil {
                reader.report(
                    "found `page` without `document`, expected both: the page shows the document", at: node)
            } else if let page = openAPI.page, let document = openAPI.document,
                DocumentPathIndex.areEqual(page, document)
            {
                reader.reportMismatch(node, for: "`page`", expected: "a path other than that of `document`")
            }
        }
        return openAPI
    }

    private func words(_ node: Node, for name: String, expected: String) -> String? {
        guard let text = reader.text(node, for: name, expected: expected)?.string else { return nil }
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            reader.reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return text
    }

    /// Returns the id of an operation, which only one route may have.
    ///
    /// - Parameter lines: the ids of the routes before, with their lines.
    private func operationID(_ node: Node, _ lines: inout [String: Int]) -> String? {
        let (name, expected) = ("`operation-id`", "letters, digits, `.`, `_` and `-`, such as show-order")
        guard let id = reader.text(node, for: name, expected: expected)?.string else { return nil }
        let isID = !id.isEmpty && id.utf8.allSatisfy(Self.isOfOperationID)
        guard isID else {
            reader.reportMismatch(node, for: name, expected: expected)
            return nil
        }
        if let line = lines[id] {
            reader.report(
                "the `operation-id` \(quoted(id)) is that of the route in line \(line), too", at: node)
            return nil
        }
        lines[id] = node.position.line
        return id
    }

    private static func isOfOperationID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Array("._-".utf8).contains(byte)
        }
    }

    private func tags(_ node: Node) -> [String] {
        reader.distinct(
            node, for: "`tags`", of: "tags such as [shop, internal]",
            repeated: { "the tag \(quoted($0)) appears twice in this route" },
            read: { words($0, for: "`tags`", expected: "a tag") })
    }

    /// Returns the version as it is written: `1.0` is a number in YAML.
    private func version(_ node: Node) -> String? {
        let expected = "a version such as 1.2.0"
        guard let text = reader.scalarText(node, for: "`version`", expected: expected) else { return nil }
        let isVersion = node.scalar.map { ScalarKind($0) != .boolean } ?? false
        guard isVersion, text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            reader.reportMismatch(node, for: "`version`", expected: expected)
            return nil
        }
        return text
    }

    /// Returns a path without parameters, with the manifest's prefix, and reports a path that a route matches.
    private func path(
        _ node: Node, name: String, such example: String, _ index: DocumentPathIndex
    ) -> String? {
        let expected = "a path without parameters such as \(example)"
        guard let scalar = reader.text(node, for: name, expected: expected) else { return nil }
        do throws(RoutePattern.SyntaxError) {
            guard try RoutePattern(scalar.string).parameterNames.isEmpty else {
                reader.reportMismatch(node, for: name, expected: expected)
                return nil
            }
        } catch {
            reader.report("\(name): \(error.message)", at: error.offset, in: node)
            return nil
        }
        let path = index.prefix + scalar.string
        if let route = index.route(taking: path) {
            let line = route.location.position.map { " in line \($0.line)" } ?? ""
            reader.report(
                "found \(quoted(scalar.string)) for \(name), expected a path that no route matches: "
                    + "the route\(line) matches GET \(quoted(path)) first", at: node)
        }
        return path
    }
}

/// The routes of a manifest that answer GET, to find those that match the path of the OpenAPI document or of its page.
private struct DocumentPathIndex {
    /// The manifest's prefix, which also precedes the paths of the document and the page.
    let prefix: String
    private let routes: [Manifest.Route]

    init(_ manifest: Manifest) {
        prefix = manifest.prefix
        routes = manifest.routes.filter { $0.methods.contains(.get) }
    }

    /// Returns the first route that answers GET for a path without parameters.
    func route(taking path: String) -> Manifest.Route? {
        guard let pattern = try? RoutePattern(path) else { return nil }
        let covering = routes.first { $0.pattern.covers(pattern) }
        // Comparing patterns is quick, but which paths a regular expression matches is found only by matching.
        let expressions = routes.filter { $0.isRegex || RouteShape(pattern: $0.pattern.text).hasUnknown }
        let matching = expressions.isEmpty ? nil : Self.first(of: expressions, matching: path)
        let earliest = [covering, matching].compactMap(\.self)
        return earliest.min { ($0.location.position ?? Self.start) < ($1.location.position ?? Self.start) }
    }

    /// Whether two paths without parameters are the same path.
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
