public import HTTPTypes

// More overloads, so that Swift finds one for each closure without a type annotation.

extension Handler {
    /// Creates a handler from a function that returns nothing. The response is 204 No Content.
    @inlinable
    public init<each Input: RequestInput>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) throws -> Void
    ) {
        self.init(name) { (input: repeat each Input) throws -> Response in
            try function(repeat each input)
            return Response(status: .noContent)
        }
        answers = { [.init(.noContent)] }
    }

    /// Creates a handler from an async function that returns nothing. The response is 204 No Content.
    @inlinable
    public init<each Input: RequestInput>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Void
    ) {
        self.init(name) { (input: repeat each Input) async throws -> Response in
            try await function(repeat each input)
            return Response(status: .noContent)
        }
        answers = { [.init(.noContent)] }
    }

    /// Creates a handler from a function whose value makes its own response, although it could also be sent as JSON.
    @inlinable
    public init<each Input: RequestInput, Output: ResponseConvertible & Encodable>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) throws -> Output
    ) {
        self.init(name) { (input: repeat each Input) throws -> Response in
            try function(repeat each input).response()
        }
        answers = { Output.answers }
    }

    /// Creates a handler from an async function whose value makes its own response, although it could also be sent as
    /// JSON.
    @inlinable
    public init<each Input: RequestInput, Output: ResponseConvertible & Encodable>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Output
    ) {
        self.init(name) { (input: repeat each Input) async throws -> Response in
            try await function(repeat each input).response()
        }
        answers = { Output.answers }
    }

    // With the overloads below, a closure of several statements can `return .text("hello")` as a Response. They are
    // disfavored, since a closure that returns nothing, such as `{ throw HTTPError(.gone) }`, would match them as well.

    /// Creates a handler from a function that returns a response.
    @_disfavoredOverload
    @inlinable
    public init<each Input: RequestInput>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) throws -> Response
    ) {
        self.init(name) { (input: repeat each Input) throws -> Response in
            try function(repeat each input)
        }
    }

    /// Creates a handler from an async function that returns a response.
    @_disfavoredOverload
    @inlinable
    public init<each Input: RequestInput>(
        _ name: String, _ function: @escaping @Sendable (repeat each Input) async throws -> Response
    ) {
        self.init(name) { (input: repeat each Input) async throws -> Response in
            try await function(repeat each input)
        }
    }
}
