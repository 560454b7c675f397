internal import HTTPTypes

/// A function of the application, registered under the name that the manifest's routes use.
///
/// The function's parameters are its inputs: any number of `RequestInput`s in any order. It may be async, and it may
/// throw. An `Encodable` value that it returns is sent as JSON, a ``Response`` or another ``ResponseConvertible`` is the
/// response itself, and a function that returns nothing gives 204.
///
/// ```swift
/// Handler("process-item", processItem)
/// Handler("health") { ["status": "ok"] }
/// ```
///
/// A synchronous function is called directly on the worker's thread. An async function runs on it too, also after an
/// `await`. Only inside an actor that several requests share may its code run on another worker's thread, the one for
/// which the actor works at that moment; afterwards the function continues on its own thread.
///
/// Some functions must be wrapped in a closure:
/// - a synchronous `@MainActor` function: `Handler("count") { await count() }`;
/// - a function with default arguments, which a function's type does not show:
///   `Handler("page") { (query: Query<Search>) in page(query) }`;
/// - a function that returns `some Encodable`, unless it is declared as `some Encodable & SendableMetatype`.
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
    /// The use of the request's body by all inputs together.
    let bodyUse: BodyUse
    /// The dependencies that are computed before the inputs, in this order.
    let dependencies: [any RequestDependency.Type]
    /// Those of them that are computed before an `Idempotency-Key` is looked up.
    let principals: [any RequestDependency.Type]
    private let plan: InputPlan
    /// The descriptions of the output's responses.
    @usableFromInline var answers: @Sendable () -> [OperationDescription.ResponseDescription]
    /// The reason why the handler cannot be served, determined when it is created; nil for a valid one.
    let problem: String?
    /// The input that opens a transaction for the call; nil if there is none.
    var transaction: (any TransactionInput.Type)? { plan.transaction }

    /// The descriptions of the inputs and the output, made only for the API's description.
    var operation: OperationDescription { plan.operation(answering: answers()) }

    /// The input that reads the body in pieces; nil if there is none.
    var streamedInput: (any RequestInput.Type)? { plan.streamedInput }

    /// Whether a type of the output says that its response is a stream of server-sent events.
    var answersEvents: Bool {
        answers().contains { answer in
            answer.content.contains { MediaParameters($0.mediaType.utf8)?.value == "text/event-stream" }
        }
    }

    /// The check of the handler's inputs against the path of a route.
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
        bodyUse = plan.bodyUse
        dependencies = plan.dependencies
        principals = plan.principals
        switch (plan.transaction, function) {
        case (let transaction?, .sync(let call)):
            self.function = .sync { try $0.call(call, within: transaction) }
            problem = plan.problem
        case (let transaction?, .async):
            self.function = function
            problem =
                plan.problem
                    ?? """
                    \(transaction) needs a handler that is not async: a transaction has the database's write lock, and must not wait \
                    for anything else
                    """
        case (nil, _):
            self.function = function
            problem = plan.problem
        }
        self.plan = plan
        self.answers = answers
    }

    /// Creates a handler from a function whose value is sent as JSON with status 200.
    @inlinable
    public init<each Input: RequestInput, Output: Encodable & SendableMetatype>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { [.value(Output.self)] },
            .sync { try .json(InputReading.call(function, with: $0)) })
    }

    /// Creates a handler from an async function whose value is sent as JSON with status 200.
    @inlinable
    public init<each Input: RequestInput, Output: Encodable & SendableMetatype>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { [.value(Output.self)] },
            .async { try await .json(InputReading.call(function, with: $0)) })
    }

    /// Creates a handler from a function whose value makes its own response.
    @inlinable
    public init<each Input: RequestInput, Output: ResponseConvertible>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { Output.answers },
            .sync { try InputReading.call(function, with: $0).response() })
    }

    /// Creates a handler from an async function whose value makes its own response.
    @inlinable
    public init<each Input: RequestInput, Output: ResponseConvertible>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Output
    ) {
        self.init(
            name, repeat (each Input).self, answers: { Output.answers },
            .async { try await InputReading.call(function, with: $0).response() })
    }
}
