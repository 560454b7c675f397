internal import HTTPTypes
internal import PostludeJSON

extension ErrorAnswers {
    /// Makes the answer to wrong inputs: 422, with all of them.
    func response(to error: InputError) -> Response {
        switch format {
        case .fastAPI:
            (try? .json(error, status: .unprocessableContent))
                ?? response(to: HTTPError(.unprocessableContent))
        case .problemDetails: response(to: error.problem)
        }
    }
}

extension InputError {
    fileprivate var problem: Problem {
        let count = issues.count == 1 ? "One value" : "\(issues.count) values"
        let verb = issues.count == 1 ? "is" : "are"
        return Problem(
            .unprocessableContent, "\(count) of the request \(verb) missing or wrong",
            members: ["errors": .array(issues.map(\.problem))])
    }
}

extension InputIssue {
    /// The issue as RFC 9457 has it in its example: `detail` and the `pointer` to the value (RFC 6901, 6), besides the part of the
    /// request that it points into, and the rule.
    fileprivate var problem: JSONValue {
        var members: [String: JSONValue] = ["detail": .string(message), "rule": .string(type)]
        if case .key(let part) = location.first { members["in"] = .string(part) }
        // Malformed JSON has no members to point at. Its place is in the context.
        let steps = type == JSONSyntaxError.issueType ? [] : location.dropFirst()
        members["pointer"] = .string("#" + steps.map { "/\($0.pointerStep)" }.joined())
        if let context { members["context"] = .object(context) }
        return .object(members)
    }
}

extension InputIssue.Location {
    /// The step in a JSON Pointer that is the fragment of a URI.
    fileprivate var pointerStep: String {
        let step = text.replacing("~", with: "~0").replacing("/", with: "~1")
        return PercentEncoding.encode(step.utf8, except: "!$&'()*+,;=:@")
    }
}
