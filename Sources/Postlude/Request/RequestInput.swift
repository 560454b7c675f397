/// A type whose values handlers take as parameters, made from the request.
///
/// ```swift
/// struct Tenant: RequestInput {
///     let name: String
///     init(request: Request) throws {
///         guard let name = request.header("X-Tenant") else { throw HTTPError(.forbidden, "No tenant") }
///         self.name = name
///     }
/// }
/// ```
public protocol RequestInput: SendableMetatype {
    /// Creates the input from the request, on the worker's thread, before the handler is called.
    ///
    /// - Throws: ``InputError`` for a value that is missing or wrong (422, reported together with those of the other
    ///   inputs), or ``HTTPError`` for another status. A `DecodingError` counts as a wrong value, too, and tells the
    ///   client only its location; one that is not the client's fault must be caught. Any other error is answered with
    ///   500.
    init(request: Request) throws

    /// How the input uses the request's body; by default not at all.
    static var bodyUse: BodyUse { get }

    /// The dependencies that must be computed before this input; by default none. `init(request:)` gets each of them by
    /// ``Request/dependency(_:)``.
    static var dependencies: [any RequestDependency.Type] { get }

    /// Adds the parameters that clients must send for it to the description of the API; by default none.
    static func describe(_ operation: inout OperationDescription)
}

extension RequestInput {
    public static var bodyUse: BodyUse { .none }
    public static var dependencies: [any RequestDependency.Type] { [] }
    public static func describe(_ operation: inout OperationDescription) {}
}

extension BackgroundTasks: RequestInput {
    public init(request: Request) {
        self.init(request.storage.tasks.queue(for: request.storage.identity))
    }
}
