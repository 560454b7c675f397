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

/// One input's value, or why there is none.
struct Extracted<Input: RequestInput> {
    private let result: Result<Input, any Error>

    init(_ request: Request) { result = Result { try Input(request: request) } }

    func get() throws -> Input { try result.get() }

    var failure: (any Error)? {
        if case .failure(let error) = result { error } else { nil }
    }
}

/// Gathers what is wrong with all inputs of a handler, so that a client learns it in one answer.
enum InputFailures {
    static func check<each Input: RequestInput>(_ inputs: repeat Extracted<each Input>) throws {
        var issues: [InputIssue] = []
        for input in repeat each inputs {
            switch input.failure {
            case nil: break
            case let error as InputError: issues += error.issues
            case let error as DecodingError: issues.append(.refused(error))
            case let error?: throw error
            }
        }
        if !issues.isEmpty { throw InputError(issues) }
    }
}

extension InputIssue {
    /// What a user's own input threw: its words may be about the program, and where it looked is not known.
    fileprivate static func refused(_ error: DecodingError) -> InputIssue {
        let path: [any CodingKey]
        switch error {
        case .keyNotFound(let key, let context): path = context.codingPath + [key]
        case .valueNotFound(_, let context), .typeMismatch(_, let context), .dataCorrupted(let context):
            path = context.codingPath
        @unknown default: path = []
        }
        return InputRule.value.issue(["request"] + path.map(Location.init))
    }
}
