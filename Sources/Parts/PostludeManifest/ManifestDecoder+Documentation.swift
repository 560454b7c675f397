internal import HTTPTypes
internal import PostludeRouting
internal import Yams

extension ManifestDecoder {
    /// What the documentation says about a route.
    struct RouteDocumentation {
        var summary: String?
        var description: String?
        var tags: [String] = []
        var deprecated = false
    }

    func documentation(_ keys: MappingReader<RouteKey>) -> RouteDocumentation {
        RouteDocumentation(
            summary: keys[.summary].flatMap { words($0, for: "`summary`", expected: "a line of text") },
            description: keys[.description].flatMap { words($0, for: "`description`", expected: "a text") },
            tags: keys[.tags].map(tags) ?? [],
            deprecated: keys[.deprecated].flatMap { reader.boolean($0, for: "`deprecated`") } ?? false)
    }

    /// - Parameter manifest: the rest of it, with its routes.
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
                reader.reportMismatch(node, for: "`page`", expected: "another path than that of `document`")
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

    private func tags(_ node: Node) -> [String] {
        reader.distinct(
            node, for: "`tags`", of: "tags such as [shop, internal]",
            repeated: { "the tag \(quoted($0)) stands twice in this route" },
            read: { words($0, for: "`tags`", expected: "a tag") })
    }

    /// As it is written: `1.0` is a number to YAML.
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

    /// A path of literals, with the manifest's prefix, that no route takes.
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
            reader.report("\(name): \(error.message)", at: error.offset, in: scalar)
            return nil
        }
        let path = index.prefix + scalar.string
        if let route = index.route(taking: path) {
            let line = route.location.position.map { " in line \($0.line)" } ?? ""
            reader.report(
                "found \(quoted(scalar.string)) for \(name), expected a path that no route takes: "
                    + "the route\(line) takes GET \(quoted(path)) first", at: node)
        }
        return path
    }
}
