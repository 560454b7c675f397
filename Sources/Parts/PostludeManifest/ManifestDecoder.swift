internal import Logging
internal import PostludeRouting

/// Decodes a tree of YAML nodes into a manifest, and reports all mistakes in it.
struct ManifestDecoder {
    let reader: NodeReader
    let handlers: RegisteredNames
    let middleware: RegisteredNames

    init(reader: NodeReader, handlers: some Sequence<String>, middleware: some Sequence<String>) {
        self.reader = reader
        self.handlers = RegisteredNames(handlers, of: "handler")
        self.middleware = RegisteredNames(middleware, of: "middleware")
    }

    /// Returns the manifest as far as it can be decoded. It is complete if no mistake was reported to the reader.
    func decode(_ root: Node?) -> ManifestReading {
        var manifest = Manifest()
        let start = SourcePosition(line: 1, column: 1)
        guard let root, root.scalar.map({ ScalarKind($0) == .null }) != true else {
            let position = root?.position ?? start
            reader.diagnostics.add("found no content, expected a mapping with the key routes", at: position)
            return ManifestReading()
        }
        guard let keys = reader.mapping(root, keys: ManifestRootKey.self, name: ManifestRootKey.mapping)
        else { return ManifestReading() }
        if let node = keys[.prefix] { manifest.prefix = prefix(node) ?? "" }
        if let node = keys[.listen] { manifest.listen = listen(node) }
        if let node = keys[.processes] { manifest.processes = processes(node) }
        if let node = keys[.workers] { manifest.workers = workers(node) }
        if let node = keys[.overload] { manifest.overload = overload(node) }
        if let node = keys[.limits] { limits(node, into: &manifest.limits) }
        if let node = keys[.tasks] { tasks(node, into: &manifest.tasks) }
        if let node = keys[.shutdownGrace] {
            let grace = reader.duration(node, for: "`shutdown-grace`", atLeast: ManifestBounds.grace)
            manifest.shutdownGrace = grace ?? manifest.shutdownGrace
        }
        if let node = keys[.log] { manifest.log = log(node) }
        if let node = keys[.status] { manifest.status = status(node, besides: manifest.listen) }
        if let node = keys[.files] { manifest.files = files(node) }
        if let node = keys[.uploads] { manifest.uploads = uploads(node) }
        if let node = keys[.taskStore] { manifest.taskStore = taskStore(node) }
        if let node = keys[.durableTasks] { manifest.durableTasks = durableTasks(node) }
        if let node = keys[.schedules] { manifest.schedules = schedules(node) }
        if let node = keys[.celery] { manifest.celery = celery(node) }
        if let node = keys[.routes] {
            manifest.routes = routes(node, in: manifest)
        } else {
            reader.diagnostics.add(
                "the manifest has no `routes`, expected a list of routes", at: keys.position)
        }
        // Decoded after the routes, because its paths are compared with theirs.
        if let node = keys[.openapi] { manifest.openAPI = openAPI(node, in: manifest) }
        let given = ManifestRootKey.allCases.filter { keys.position(of: $0) != nil }
        return ManifestReading(manifest, keys: Set(given.map(\.rawValue)))
    }

    /// Returns the prefix of all paths. It must be a possible beginning of a normalised path.
    func prefix(_ node: Node) -> String? {
        let expected = "a path such as /api"
        guard let scalar = reader.text(node, for: "`prefix`", expected: expected) else { return nil }
        let text = scalar.string
        guard text.hasPrefix("/") else {
            reader.report(
                "the prefix \(quoted(text)) does not begin with `/`, expected \(expected)", at: node,
                correction: RoutePattern.withSlash(text))
            return nil
        }
        guard !text.hasSuffix("/") else {
            reader.report("the prefix \(quoted(text)) ends with `/`, expected \(expected)", at: node)
            return nil
        }
        do throws(RoutePattern.SyntaxError) {
            guard try RoutePattern(text).parameterNames.isEmpty else {
                reader.report(
                    "the prefix \(quoted(text)) has a parameter, expected \(expected)", at: node)
                return nil
            }
            return text
        } catch {
            reader.report("the prefix \(quoted(text)): \(error.message)", at: error.offset, in: node)
            return nil
        }
    }
}

extension RoutePattern {
    /// Returns a path with the slash that it lacks at its beginning; `nil` if it has one, or is not a path then.
    static func withSlash(_ path: String) -> String? {
        guard !path.isEmpty, !path.hasPrefix("/"), (try? RoutePattern("/" + path)) != nil else { return nil }
        return "/" + path
    }
}
