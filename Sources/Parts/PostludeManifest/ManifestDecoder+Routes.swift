internal import HTTPTypes
internal import PostludeRouting

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
            if item.mapping?.contains(where: { $0.key.scalar?.string == "routes" }) == true {
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
        var scope = self.scope(
            outer, middleware: keys[.middleware], limits: keys[.limits], tasks: keys[.tasks],
            idempotency: keys[.idempotency], &checks)
        if let node = keys[.prefix] { scope.prefix += prefix(node) ?? "" }
        return keys[.routes].map { routes($0, in: scope, &checks) } ?? []
    }

    /// Returns the scope inside a group or a route: the outer scope with its middleware and limits.
    private func scope(
        _ outer: RouteScope, middleware: Node?, limits: Node?, tasks: Node?, idempotency: Node?,
        _ checks: inout RouteChecks
    ) -> RouteScope {
        var scope = outer
        if let middleware { scope.middleware += self.middleware(middleware, &checks) }
        if let limits { routeLimits(limits, into: &scope.limits) }
        if let tasks { self.tasks(tasks, into: &scope.tasks) }
        if let idempotency { scope.idempotency = self.idempotency(idempotency, over: scope.idempotency) }
        return scope
    }

    /// Decodes `idempotency` of a route or a group, which overrides that of the group around it.
    private func idempotency(_ node: Node, over inherited: Manifest.Idempotency?) -> Manifest.Idempotency? {
        guard let keys = reader.mapping(node, keys: IdempotencyKey.self, name: IdempotencyKey.mapping) else {
            return inherited
        }
        let location = SourceLocation(file: reader.diagnostics.file, position: node.position)
        var idempotency = inherited ?? Manifest.Idempotency(location: location)
        idempotency.location = location
        if let node = keys[.key] { idempotency.key = reader.choice(node, for: "`key`") ?? idempotency.key }
        if let node = keys[.keep] {
            let keep = reader.duration(node, for: "`keep`", atLeast: ManifestBounds.time)
            idempotency.keep = keep ?? idempotency.keep
        }
        return idempotency
    }

    /// Reports a route's own `idempotency` if its method is safe. That of a group does not apply to such a method.
    private func checkIdempotency(_ node: Node?, of methods: [HTTPRequest.Method]?) {
        guard let node, let method = methods?.first(where: { !Manifest.Idempotency.applies(to: $0) }) else {
            return
        }
        reader.report(
            """
            found `idempotency` for a route with the method \(method.rawValue), which changes nothing, expected a route \
            with methods such as POST alone
            """, at: node)
    }

    private func route(
        _ node: Node, in scope: RouteScope, _ checks: inout RouteChecks
    ) -> Manifest.Route? {
        guard let keys = reader.mapping(node, keys: RouteKey.self, name: RouteKey.mapping) else { return nil }
        let methods = methods(keys)
        let pattern = pattern(keys, prefix: scope.prefix)
        let handler = handler(keys, &checks)
        let own = self.scope(
            scope, middleware: keys[.middleware], limits: keys[.limits], tasks: keys[.tasks],
            idempotency: keys[.idempotency], &checks)
        checkIdempotency(keys[.idempotency], of: methods)
        let takesKey = methods?.contains { Manifest.Idempotency.applies(to: $0) } == true
        let words = documentation(keys, &checks.operationIDs)
        guard let methods, let pattern else { return nil }
        let isRegex = keys[.path] == nil
        let line = keys.position.line
        if let message = checks.overlaps.add(
            pattern, isRegex: isRegex, prefix: scope.prefix, methods: methods, line: line),
            let node = keys[.path] ?? keys[.regex]
        {
            reader.report(message, at: node)
        }
        let location = SourceLocation(file: reader.diagnostics.file, position: keys.position)
        let path = (keys[.path] ?? keys[.regex])?.position
        let pathLocation = SourceLocation(file: reader.diagnostics.file, position: path ?? keys.position)
        return Manifest.Route(
            methods: methods, pattern: pattern, handler: handler ?? "", middleware: own.middleware,
            limits: own.limits, tasks: own.tasks, idempotency: takesKey ? own.idempotency : nil,
            operationID: words.operationID, summary: words.summary, description: words.description,
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
            reader.report(
                error.message, at: error.offset, in: node,
                correction: isRegex ? nil : RoutePattern.withSlash(scalar.string))
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
        let methods = reader.distinct(
            node, for: "`methods`", of: "methods such as [GET, POST]",
            repeated: { "the method \($0.rawValue) appears twice in this route" },
            read: { method($0, name: "`methods`") })
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
                "found \(quoted(text)) for \(name), expected upper case: \(text.uppercased())", at: node,
                correction: text.uppercased())
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
        return registered(node, for: "`handler`", expected: expected, &checks.handlers)
    }

    private func middleware(_ node: Node, _ checks: inout RouteChecks) -> [String] {
        reader.distinct(
            node, for: "`middleware`", of: "names such as [signed-in]",
            repeated: { "the middleware \(quoted($0)) appears twice in this list" },
            read: {
                registered($0, for: "`middleware`", expected: "the name of middleware", &checks.middleware)
            })
    }

    private func registered(
        _ node: Node, for key: String, expected: String, _ names: inout RegisteredNames
    ) -> String? {
        guard let name = reader.text(node, for: key, expected: expected)?.string else { return nil }
        if let problem = names.problem(of: name) {
            reader.report(problem, at: node)
            return nil
        }
        return name
    }

    /// Returns the value of one of two keys, of which a route must have exactly one.
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

/// The settings that routes inherit from the manifest and from their groups.
private struct RouteScope {
    var prefix: String
    var middleware: [String] = []
    var limits: Manifest.Limits
    var tasks: Manifest.TaskLimits
    var idempotency: Manifest.Idempotency?
}

/// The state of checks across all routes of a manifest.
private struct RouteChecks {
    var overlaps = RouteOverlaps()
    var handlers: RegisteredNames
    var middleware: RegisteredNames
    /// The lines of the routes with an `operation-id`.
    var operationIDs: [String: Int] = [:]
}

/// The names of an application's handlers, or of its middleware, and the advice for names that are not among them.
///
/// In a large application, finding the nearest name takes long. Only the first 20 unknown names get that advice, which is
/// computed once for each of them.
struct RegisteredNames {
    /// What the names belong to, such as `handler`.
    private let kind: String
    /// Sorted, so that the same mistake gets the same advice.
    private let names: [String]
    private let known: Set<String>
    private var messages: [String: String] = [:]
    private static let bound = 20
    private static let expectation = "expected one that the application registers"

    init(_ names: some Sequence<String>, of kind: String) {
        self.kind = kind
        known = Set(names)
        self.names = known.sorted()
    }

    /// - Returns: a message about an unknown name; `nil` if the name is registered.
    mutating func problem(of name: String) -> String? {
        guard !known.contains(name) else { return nil }
        if let message = messages[name] { return message }
        let found = "unknown \(kind) \(quoted(name))"
        guard messages.count < Self.bound else { return "\(found), \(Self.expectation)" }
        let message =
            nearest(to: name, in: names).map { "\(found) (nearest: \($0)), \(Self.expectation)" }
            ?? "\(found): the application registers none"
        messages[name] = message
        return message
    }
}
