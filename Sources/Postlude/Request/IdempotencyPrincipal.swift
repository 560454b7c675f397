/// A dependency that names on whose behalf a request is made: a user, a tenant, an API key.
///
/// Clients choose the values of `Idempotency-Key`. If a handler takes such a dependency, each principal has keys of its own, so
/// that no client gets the answer to another one's request:
///
/// ```swift
/// struct CurrentUser: IdempotencyPrincipal {
///     let name: String
///     var idempotencyPrincipal: String { name }
///
///     init(request: Request) async throws {
///         let users = try request.application(Shop.self).users
///         guard let token = request.header("Authorization"), let user = try await users.find(token)
///         else { throw HTTPError(.unauthorized) }
///         name = user.name
///     }
/// }
///
/// func addItem(item: JSONBody<Item>, user: Dependency<CurrentUser>) throws -> Response { … }
/// ```
///
/// It is computed before the key is looked up, also for a repetition, and can refuse the request. Without such a dependency all
/// clients of a route share its keys: a client that knows or guesses the key of another one, and sends the same request, gets
/// that one's answer.
public protocol IdempotencyPrincipal: RequestDependency {
    /// The principal's name. It must be the same for each request of the principal, and another one for other principals.
    var idempotencyPrincipal: String { get }
}
