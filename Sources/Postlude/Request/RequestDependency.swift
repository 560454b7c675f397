/// A value that is computed once per request and shared by all inputs that need it, such as the signed-in user or a
/// database connection.
///
/// ```swift
/// struct CurrentUser: RequestDependency {
///     let name: String
///
///     init(request: Request) async throws {
///         let users = try request.application(Shop.self).users
///         guard let token = request.header("Authorization"), let user = try await users.find(token)
///         else { throw HTTPError(.unauthorized) }
///         name = user.name
///     }
/// }
///
/// func show(item: Path<Int>, user: Dependency<CurrentUser>) -> String { … }
/// ```
///
/// It belongs to the request: its resources are released when the response is finished, before the first task. A task
/// that needs such a resource opens its own.
public protocol RequestDependency: SendableMetatype {
    /// Computes the value. Called at most once for each request, on the worker's thread, before the inputs are decoded.
    ///
    /// - Throws: ``HTTPError`` to refuse the request (401, 403), or ``InputError`` (422). Any other error is answered
    ///   with 500.
    init(request: Request) async throws

    /// The dependencies of this dependency; `init(request:)` gets each of them by ``Request/dependency(_:)``.
    static var dependencies: [any RequestDependency.Type] { get }

    /// Releases its resources. Called once, when the response is finished, before the tasks, in reverse order of
    /// creation. An error is logged.
    func release() async throws

    /// Adds the parameters that clients must send for it to the description of the API; by default none.
    static func describe(_ operation: inout OperationDescription)
}

extension RequestDependency {
    public static var dependencies: [any RequestDependency.Type] { [] }
    public func release() async throws {}
    public static func describe(_ operation: inout OperationDescription) {}
}

/// The input with which a handler gets a ``RequestDependency``.
@dynamicMemberLookup
public struct Dependency<Value: RequestDependency>: RequestInput {
    /// The computed value.
    public let value: Value

    public init(request: Request) throws { value = try request.dependency(Value.self) }

    public static var dependencies: [any RequestDependency.Type] { [Value.self] }

    /// Returns a member of the value.
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Dependency: Sendable where Value: Sendable {}
