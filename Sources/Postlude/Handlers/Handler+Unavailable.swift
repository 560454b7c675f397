// Overloads for functions that cannot be handlers. The compiler chooses one if no other fits, and shows its message.

extension Handler {
    /// Tells what a handler can return.
    @available(
        *, unavailable,
        message: """
            a handler returns nothing, an Encodable value, a Response, or a type that is ResponseConvertible: conform the result's \
            type to Encodable
            """
    )
    @_disfavoredOverload
    public init<each Input: RequestInput, Output>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Output
    ) {
        fatalError("unavailable")
    }

    /// Tells what a handler can have as parameters.
    @available(
        *, unavailable,
        message: """
            each parameter of a handler is an input: write Path<Int>, Query<Search>, JSONBody<Item>, Form<Item>, Request, \
            BackgroundTasks, Dependency<User> or a RequestInput of your own; wrap a function with default arguments in a closure: \
            { (id: Path<Int>) in show(id) }
            """
    )
    @_disfavoredOverload
    public init<each Parameter, Output>(
        _ name: String, _ function: @escaping @Sendable (repeat each Parameter) async throws -> Output
    ) {
        fatalError("unavailable")
    }
}
