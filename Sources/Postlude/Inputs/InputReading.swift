/// Takes a handler's inputs from a request, one after another.
///
/// Inlinable, as are the handlers' initializers: if the types are known, no tables of the runtime are searched for them on each
/// request.
@usableFromInline
struct InputReading {
    @usableFromInline let request: Request
    /// The number of inputs that were taken.
    @usableFromInline var count = 0

    @inlinable
    init(_ request: Request) { self.request = request }

    /// Calls a handler's function with its inputs.
    ///
    /// - Throws: an error with the issues of all inputs, which one answer reports to the client; or the function's error.
    @inlinable
    static func call<each Input: RequestInput, Output>(
        _ function: (repeat each Input) throws -> Output, with request: Request
    ) throws -> Output {
        var reading = InputReading(request)
        do {
            return try function(repeat reading.take((each Input).self))
        } catch {
            throw reading.summary(error, repeat (each Input).self)
        }
    }

    /// Calls a handler's async function with its inputs.
    @inlinable
    static func call<each Input: RequestInput, Output>(
        _ function: (repeat each Input) async throws -> Output, with request: Request
    ) async throws -> Output {
        var reading = InputReading(request)
        do {
            return try await function(repeat reading.take((each Input).self))
        } catch {
            throw reading.summary(error, repeat (each Input).self)
        }
    }

    @inlinable
    mutating func take<Input: RequestInput>(_ type: Input.Type) throws -> Input {
        let input = try Input(request: request)
        count += 1
        return input
    }

    /// Returns the error to throw: that of the function, or one with the issues of all inputs if an input could not be taken.
    /// Then it takes the inputs after that one as well. No input is taken twice.
    @usableFromInline
    func summary<each Input: RequestInput>(_ error: any Error, _ types: repeat (each Input).Type) -> any Error
    {
        var failures: InputFailures?
        var place = 0
        for type in repeat each types {
            if place == count { failures = InputFailures(error) }
            // A transaction has no issues, and is not begun for a request that is refused.
            if place > count, !(type is any TransactionInput.Type) { failures?.try(type, from: request) }
            place += 1
        }
        return failures?.summary ?? error
    }
}

/// The errors in the inputs of a request, in the order of the handler's parameters.
private struct InputFailures {
    private var issues: [InputIssue] = []
    /// The first error that is not a wrong value.
    private var other: (any Error)?

    init(_ first: any Error) { add(first) }

    var summary: any Error { other ?? InputError(issues) }

    mutating func `try`(_ type: (some RequestInput).Type, from request: Request) {
        do {
            _ = try type.init(request: request)
        } catch {
            add(error)
        }
    }

    private mutating func add(_ error: any Error) {
        switch error {
        case let error as InputError: issues += error.issues
        case let error as DecodingError: issues.append(.refused(error))
        default: other = other ?? error
        }
    }
}

extension InputIssue {
    /// Makes an issue of an error of the application's own input, whose message may be about the program, and whose part of the
    /// request is not known.
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
