/// Something that is computed from a request once and shared by everything that needs it: the signed-in user, a
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
/// It belongs to the request: what it holds is released when the response is finished, before the first task. A task
/// that needs such a thing opens its own.
public protocol RequestDependency: SendableMetatype {
    /// Called at most once for each request, on the worker's thread, before the inputs are taken.
    ///
    /// - Throws: ``HTTPError`` to refuse the request (401, 403), or ``InputError`` (422). Every other error is answered
    ///   with 500.
    init(request: Request) async throws

    /// What this one needs itself; `init(request:)` gets each of them by ``Request/dependency(_:)``.
    static var dependencies: [any RequestDependency.Type] { get }

    /// Releases what it holds. Called once, when the response is finished, before the tasks; in reverse order of
    /// creation. An error is logged.
    func release() async throws

    /// Says what clients have to send for it, for the API's description; by default nothing.
    static func describe(_ operation: inout OperationDescription)
}

extension RequestDependency {
    public static var dependencies: [any RequestDependency.Type] { [] }
    public func release() async throws {}
    public static func describe(_ operation: inout OperationDescription) {}
}

/// The input by which a handler asks for a ``RequestDependency``.
@dynamicMemberLookup
public struct Dependency<Value: RequestDependency>: RequestInput {
    /// What was computed.
    public let value: Value

    public init(request: Request) throws { value = try request.dependency(Value.self) }

    public static var dependencies: [any RequestDependency.Type] { [Value.self] }

    /// A member of the value.
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Dependency: Sendable where Value: Sendable {}
