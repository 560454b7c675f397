internal import HTTPTypes

/// A function of the application, registered under the name by which the manifest's routes call it.
///
/// The function's parameters say what it needs: any number of `RequestInput`s in any order. It may be async, and it
/// may throw. What it returns is the response: an `Encodable` value as JSON, a ``Response`` or another
/// ``ResponseConvertible``, or nothing (204).
///
/// ```swift
/// Handler("process-item", processItem)
/// Handler("health") { ["status": "ok"] }
/// ```
///
/// A synchronous function is called on the worker's thread directly; an async one runs on it too, also after an
/// `await`. Only inside an actor that several requests share may its code run on another worker's thread, the one
/// that the actor works for at that moment; afterwards the function is back on its own.
///
/// Swift asks for a closure around some functions:
/// - a synchronous `@MainActor` function: `Handler("count") { await count() }`;
/// - a function with default arguments, which a function's type does not show:
///   `Handler("page") { (query: Query<Search>) in page(query) }`;
/// - a function that returns `some Encodable`, unless it says `some Encodable & SendableMetatype`.
public struct Handler: Sendable {
    @usableFromInline
    enum Function: Sendable {
        case sync(@Sendable (Request) throws -> Response)
        case async(@Sendable (Request) async throws -> Response)

        func callAsFunction(_ request: Request) async throws -> Response {
            switch self {
            case .sync(let function): try function(request)
            case .async(let function): try await function(request)
            }
        }
    }

    /// The name that the manifest uses.
    public let name: String
    let function: Function
    /// What all inputs together do with the body.
    let bodyUse: BodyUse
    /// What must have been computed of a request before the inputs are taken, in this order.
    let dependencies: [any RequestDependency.Type]
    private let plan: InputPlan
    /// What the output says of itself.
    @usableFromInline var answers: @Sendable () -> [OperationDescription.ResponseDescription]
    /// Why the handler cannot be served, found when it is made.
    let problem: String?

    /// What the inputs and the output say of themselves: made for the API's description alone.
    var operation: OperationDescription { plan.operation(answering: answers()) }

    /// Whether its inputs and a route's path fit.
    var pathCheck: PathCheck { PathCheck(handler: name, plan.pathNeeds) }

    @usableFromInline
    init<each Input: RequestInput>(
        _ name: String, _ inputs: repeat (each Input).Type,
        answers: @escaping @Sendable () -> [OperationDescription.ResponseDescription], _ function: Function
    ) {
        var types: [any RequestInput.Type] = []
        for input in repeat each inputs { types.append(input) }
        let plan = InputPlan(types)
        self.name = name
        self.function = function
        bodyUse = plan.bodyUse
        dependencies = plan.dependencies
        problem = plan.problem
        self.plan = plan
        self.answers = answers
    }

    /// A function that returns a value, sent as JSON with status 200.
    @inlinable
    public init<each Input: RequestInput, Output: Encodable & SendableMetatype>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { [.value(Output.self)] },
            .sync { try .json(InputReading.call(function, with: $0)) })
    }

    /// An async function that returns a value, sent as JSON with status 200.
    @inlinable
    public init<each Input: RequestInput, Output: Encodable & SendableMetatype>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { [.value(Output.self)] },
            .async { try await .json(InputReading.call(function, with: $0)) })
    }

    /// A function that makes its response itself.
    @inlinable
    public init<each Input: RequestInput, Output: ResponseConvertible>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { Output.answers },
            .sync { try InputReading.call(function, with: $0).response() })
    }

    /// An async function that makes its response itself.
    @inlinable
    public init<each Input: RequestInput, Output: ResponseConvertible>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { Output.answers },
            .async { try await InputReading.call(function, with: $0).response() })
    }
}
