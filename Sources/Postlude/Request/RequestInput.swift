/// Something that a handler asks for by naming it as a parameter's type.
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
    /// Takes the input from the request, on the worker's thread, before the handler is called.
    ///
    /// - Throws: ``InputError`` for a value that is missing or wrong (422, reported together with those of the other
    ///   inputs), or ``HTTPError`` for another status. A `DecodingError` counts as a wrong value, too, and tells the
    ///   client the place and nothing else; one that is not the client's fault must be caught. Every other error is
    ///   answered with 500.
    init(request: Request) throws

    /// What it does with the request's body; by default nothing.
    static var bodyUse: BodyUse { get }

    /// What must have been computed of the request before; by default nothing. `init(request:)` gets each of them by
    /// ``Request/dependency(_:)``.
    static var dependencies: [any RequestDependency.Type] { get }

    /// Says what clients have to send for it, for the API's description; by default nothing.
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
