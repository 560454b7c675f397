/// Takes a handler's inputs from a request.
enum InputIntake {
    /// - Throws: what is wrong with all of them, so that a client learns it in one answer.
    static func take<each Input: RequestInput>(
        _ types: repeat (each Input).Type, from request: Request
    ) throws -> (repeat each Input) {
        var count = 0
        func take<One: RequestInput>(_ type: One.Type) throws -> One {
            count += 1
            return try One(request: request)
        }
        do {
            return (repeat try take(each types))
        } catch {
            // Those before it are sound, and those behind it are not taken yet: none is taken twice.
            var failures = InputFailures(error)
            var place = 0
            for type in repeat each types {
                if place >= count { failures.try(type, from: request) }
                place += 1
            }
            throw failures.summary
        }
    }
}

/// What is wrong with the inputs of a request, in the order of the handler's parameters.
private struct InputFailures {
    private var issues: [InputIssue] = []
    /// The first that is more than a wrong value.
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
