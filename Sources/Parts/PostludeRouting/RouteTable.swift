package import HTTPTypes
internal import PostludePCRE

/// All routes, indexed and compiled: immutable, so that every worker can use the same one.
///
/// The index finds the nodes whose literal segments are the path's, and each node's alternation decides. Of
/// several routes that match, the earliest in the manifest wins, wherever in the index they stand.
package struct RouteTable: Sendable {
    private let methods: [(method: HTTPRequest.Method, root: Int32)]
    let index: RouteIndex
    let programs: [RouteProgram]
    let sets: [RouteProgram.Set]
    let choices: [RouteProgram.Choice]
    let captures: [RoutePattern.Capture]
    /// Shared by all nodes whose routes differ in literals and names alone.
    let expressions: [CompiledPattern]

    /// - Throws: PCRE2's error, should an expression that compiles alone not compile in an alternation
    package init(_ routes: [(methods: [HTTPRequest.Method], pattern: RoutePattern)]) throws {
        var builder = RouteTableBuilder(routes)
        index = try builder.makeIndex()
        methods = zip(builder.methods, index.roots).map { ($0.method, $1) }
        programs = builder.compiler.programs
        sets = builder.compiler.sets
        choices = builder.compiler.choices
        captures = builder.compiler.captures
        expressions = builder.compiler.expressions
    }

    /// Finds the route for a request. HEAD takes GET's where it has none of its own.
    package func route(
        _ method: HTTPRequest.Method, _ path: RoutePath, using matcher: RouteMatcher
    ) -> Outcome {
        path.bytes.withUnsafeBufferPointer { bytes in
            var search = find(method, bytes, matcher)
            if search.best == nil, !search.isRefused, method == .head {
                search = find(.get, bytes, matcher)
            }
            if search.isRefused { return .refused }
            if let best = search.best {
                return .route(index: Int(best), parameters: search.parameters)
            }
            return otherMethods(than: method, bytes, matcher)
        }
    }

    private func find(
        _ method: HTTPRequest.Method, _ path: UnsafeBufferPointer<UInt8>, _ matcher: RouteMatcher
    ) -> RouteSearch {
        var search = RouteSearch(path: path)
        // A handful of methods: comparing beats hashing.
        for number in methods.indices where methods[number].method == method {
            visit(methods[number].root, at: 0, &search, matcher.matcher)
        }
        return search
    }

    private func otherMethods(
        than method: HTTPRequest.Method, _ path: UnsafeBufferPointer<UInt8>, _ matcher: RouteMatcher
    ) -> Outcome {
        var allowed: Set<HTTPRequest.Method> = []
        for (other, _) in methods where other != method {
            let search = find(other, path, matcher)
            if search.isRefused { return .refused }
            if search.best != nil { allowed.insert(other) }
        }
        if allowed.isEmpty { return .notFound }
        if allowed.contains(.get) { allowed.insert(.head) }
        return .methodNotAllowed(allow: allowed.sorted { $0.rawValue < $1.rawValue })
    }
}
