/// Middleware that calls handlers only if a ``RequestDependency`` can be computed, such as the signed-in user.
///
/// ```swift
/// struct Shop: Application {
///     let users = Users()
///     var handlers: Handlers { Handler("users") { ["ada", "grace"] } }
///     var routeMiddleware: KeyValuePairs<String, any Middleware> { ["signed-in": Guard(BearerToken.self)] }
/// }
/// ```
///
/// The manifest names it at a group of routes, or at a single route. In ``Application/middleware`` it guards every path, also those
/// without a route.
///
/// The dependency is computed before the body of the request is read, so that a client which is refused cannot make the server
/// receive it. If it is computed, the body is read by the worker, and is bounded in size and time as always. A handler, or another
/// dependency, that needs the same dependency gets the one that was computed. The API's document describes the dependency at
/// each operation that it guards.
public struct Guard: Middleware {
    /// The dependencies in the order in which they are computed.
    let dependencies: [any RequestDependency.Type]
    /// The dependency that needs itself; nil if there is none.
    private let cycle: String?

    /// - Parameter dependency: what must be computed before a handler is called. Its `init(request:)` refuses a request by
    ///   throwing ``HTTPError`` or another error.
    public init(_ dependency: any RequestDependency.Type) {
        var order = DependencyOrder()
        order.append([dependency])
        dependencies = order.types
        cycle = order.cycle
    }

    public func respond(to request: Request, next: Next) async throws -> Response {
        if let cycle { throw DependencyCycle(type: cycle) }
        for type in dependencies { try await request.resolve(type) }
        return try await next(request)
    }
}

/// The error of a program whose dependency needs itself.
struct DependencyCycle: Error, CustomStringConvertible {
    let type: String
    var description: String { "the dependency \(type) needs itself" }
}

/// The guards of an application's routes, for the API's description.
struct Guards: Sendable {
    private let all: [any RequestDependency.Type]
    private let named: [String: [any RequestDependency.Type]]

    init(_ middleware: [any Middleware] = [], named: [String: any Middleware] = [:]) {
        all = Self.dependencies(of: middleware)
        self.named = named.mapValues { Self.dependencies(of: [$0]) }
    }

    static func dependencies(of middleware: [any Middleware]) -> [any RequestDependency.Type] {
        middleware.flatMap { ($0 as? Guard)?.dependencies ?? [] }
    }

    /// Returns the dependencies that are computed before the handler of a route.
    ///
    /// - Parameter middleware: the names of the route's middleware.
    func dependencies(of middleware: [String]) -> [any RequestDependency.Type] {
        all + middleware.flatMap { named[$0] ?? [] }
    }
}
