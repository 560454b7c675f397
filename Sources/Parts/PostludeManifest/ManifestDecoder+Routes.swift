internal import HTTPTypes
internal import PostludeRouting
internal import Yams

extension ManifestDecoder {
    func routes(_ node: Node, in manifest: Manifest) -> [Manifest.Route] {
        var checks = RouteChecks(handlers: handlers, middleware: middleware)
        let scope = RouteScope(prefix: manifest.prefix, limits: manifest.limits, tasks: manifest.tasks)
        return routes(node, in: scope, &checks)
    }

    private func routes(
        _ node: Node, in scope: RouteScope, _ checks: inout RouteChecks
    ) -> [Manifest.Route] {
        guard let items = reader.list(node, for: "`routes`", of: "routes") else { return [] }
        var routes: [Manifest.Route] = []
        for item in items {
            if item.mapping?["routes"] != nil {
                routes += group(item, in: scope, &checks)
            } else if let route = route(item, in: scope, &checks) {
                routes.append(route)
            }
        }
        return routes
    }

    private func group(
        _ node: Node, in outer: RouteScope, _ checks: inout RouteChecks
    ) -> [Manifest.Route] {
        let name = RouteGroupKey.mapping
        guard let keys = reader.mapping(node, keys: RouteGroupKey.self, name: name) else { return [] }
        var scope = outer
        if let node = keys[.prefix] { scope.prefix += prefix(node) ?? "" }
        if let node = keys[.middleware] { scope.middleware += middleware(node, &checks) }
        if let node = keys[.limits] { routeLimits(node, into: &scope.limits) }
        if let node = keys[.tasks] { tasks(node, into: &scope.tasks) }
        return keys[.routes].map { routes($0, in: scope, &checks) } ?? []
    }

    private func route(
        _ node: Node, in scope: RouteScope, _ checks: inout RouteChecks
    ) -> Manifest.Route? {
        guard let keys = reader.mapping(node, keys: RouteKey.self, name: RouteKey.mapping) else { return nil }
        let methods = methods(keys)
        let pattern = pattern(keys, prefix: scope.prefix)
        let handler = handler(keys, &checks)
        var own = scope
        if let node = keys[.middleware] { own.middleware += middleware(node, &checks) }
        if let node = keys[.limits] { routeLimits(node, into: &own.limits) }
        if let node = keys[.tasks] { tasks(node, into: &own.tasks) }
        let words = documentation(keys)
        guard let methods, let pattern else { return nil }
        let isRegex = keys[.path] == nil
        let line = keys.position?.line ?? 0
        if let message = checks.overlaps.add(
            pattern, isRegex: isRegex, prefix: scope.prefix, methods: methods, line: line),
            let node = keys[.path] ?? keys[.regex]
        {
            reader.report(message, at: node)
        }
        let location = SourceLocation(file: reader.diagnostics.file, position: keys.position)
        let path = (keys[.path] ?? keys[.regex]).flatMap { reader.position(of: $0) }
        let pathLocation = SourceLocation(file: reader.diagnostics.file, position: path ?? keys.position)
        return Manifest.Route(
            methods: methods, pattern: pattern, handler: handler ?? "", middleware: own.middleware,
            limits: own.limits, tasks: own.tasks, summary: words.summary, description: words.description,
            tags: words.tags, deprecated: words.deprecated, isRegex: isRegex, location: location,
            pathLocation: pathLocation)
    }

    private func pattern(_ keys: MappingReader<RouteKey>, prefix: String) -> RoutePattern? {
        guard let node = either(.path, .regex, in: keys) else { return nil }
        let isRegex = keys[.path] == nil
        let name = isRegex ? "`regex`" : "`path`"
        let expected = isRegex ? "a regular expression" : "a path such as /items/{id:int}"
        guard let scalar = reader.text(node, for: name, expected: expected) else { return nil }
        let parsed: RoutePattern
        do throws(RoutePattern.SyntaxError) {
            parsed = isRegex ? try RoutePattern(regex: scalar.string) : try RoutePattern(scalar.string)
        } catch {
            reader.report(error.message, at: error.offset, in: scalar)
            return nil
        }
        guard !prefix.isEmpty else { return parsed }
        do throws(RoutePattern.SyntaxError) {
            return try parsed.prefixed(by: prefix)
        } catch {
            reader.report("with the prefix \(quoted(prefix)): \(error.message)", at: node)
            return nil
        }
    }

    private func methods(_ keys: MappingReader<RouteKey>) -> [HTTPRequest.Method]? {
        guard let node = either(.methods, .method, in: keys) else { return nil }
        guard keys[.methods] != nil else { return method(node, name: "`method`").map { [$0] } }
        guard let items = reader.list(node, for: "`methods`", of: "methods such as [GET, POST]") else {
            return nil
        }
        var methods: [HTTPRequest.Method] = []
        for item in items {
            guard let method = method(item, name: "`methods`") else { continue }
            if methods.contains(method) {
                reader.report("the method \(method.rawValue) stands twice in this route", at: item)
            } else {
                methods.append(method)
            }
        }
        return methods.isEmpty ? nil : methods
    }

    private func method(_ node: Node, name: String) -> HTTPRequest.Method? {
        let expected = "an HTTP method such as GET"
        guard let scalar = reader.text(node, for: name, expected: expected) else { return nil }
        let text = scalar.string
        guard let method = HTTPRequest.Method(rawValue: text) else {
            reader.reportMismatch(node, for: name, expected: expected)
            return nil
        }
        guard text == text.uppercased() else {
            reader.report(
                "found \(quoted(text)) for \(name), expected upper case: \(text.uppercased())", at: node)
            return nil
        }
        return method
    }

    private func handler(_ keys: MappingReader<RouteKey>, _ checks: inout RouteChecks) -> String? {
        let expected = "the name of a handler"
        guard let node = keys[.handler] else {
            reader.diagnostics.add("a route has no `handler`, expected \(expected)", at: keys.position)
            return nil
        }
        guard let scalar = reader.text(node, for: "`handler`", expected: expected) else { return nil }
        guard checks.handlers.contains(scalar.string) else {
            reader.report(checks.handlers.message(for: scalar.string), at: node)
            return nil
        }
        return scalar.string
    }

    private func middleware(_ node: Node, _ checks: inout RouteChecks) -> [String] {
        var names: [String] = []
        let items = reader.list(node, for: "`middleware`", of: "names such as [signed-in]") ?? []
        for item in items {
            let expected = "the name of middleware"
            guard let name = reader.text(item, for: "`middleware`", expected: expected)?.string else {
                continue
            }
            if !checks.middleware.contains(name) {
                reader.report(checks.middleware.message(for: name), at: item)
            } else if names.contains(name) {
                reader.report("the middleware \(quoted(name)) stands twice in this list", at: item)
            } else {
                names.append(name)
            }
        }
        return names
    }

    /// The one value of two keys of which a route has exactly one.
    private func either(_ one: RouteKey, _ other: RouteKey, in keys: MappingReader<RouteKey>) -> Node? {
        let names = "`\(one.rawValue)` and `\(other.rawValue)`"
        switch (keys[one], keys[other]) {
        case (nil, nil):
            let message = "a route has neither of \(names), expected one of them"
            reader.diagnostics.add(message, at: keys.position)
            return nil
        case (.some, .some):
            let places = [keys.position(of: one), keys.position(of: other)].compactMap(\.self)
            reader.diagnostics.add("a route has both \(names), expected one of them", at: places.max())
            return nil
        case (let node, nil), (nil, let node):
            return node
        }
    }
}

/// What routes have from the manifest and from their groups.
private struct RouteScope {
    var prefix: String
    var middleware: [String] = []
    var limits: Manifest.Limits
    var tasks: Manifest.TaskLimits
}

/// What is checked over all routes of a manifest.
private struct RouteChecks {
    var overlaps = RouteOverlaps()
    var handlers: RegisteredNames
    var middleware: RegisteredNames
}
