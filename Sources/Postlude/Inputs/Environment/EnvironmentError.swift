/// Environment variables that are missing or wrong. No value is in it: some are secrets.
public struct EnvironmentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A variable, and what is wrong with it.
    public struct Problem: Hashable, Sendable {
        /// The variable's name, with the prefix.
        public let variable: String
        /// What is wrong with it.
        public let message: String
    }

    /// All of them, in the order of the type's properties.
    public let problems: [Problem]

    public var description: String {
        let lines = problems.map { "\n  \($0.variable): \($0.message)" }
        return "The environment is incomplete or wrong. Set or correct these variables, and start again:"
            + lines.joined()
    }

    init(_ error: InputError, of type: Any.Type, prefix: String, _ variables: [String: String]) {
        let definitions = FieldDefinitions.resolve(type)
        problems = error.issues.map { issue in
            guard issue.location.count > 1, case .key(let key) = issue.location[1] else {
                return Problem(variable: prefix + "…", message: issue.message)
            }
            let variable = prefix + EnvironmentName.of(key)
            var message = issue.message
            if issue.type == InputRule.missing.type {
                message = "is not set"
            } else if issue.type == InputRule.value.type, let value = variables[variable],
                message.contains(value)
            {
                // The words of the application's own type, with the value in them.
                message = InputRule.value.message
            }
            if issue.location.count > 2, case .index(let index) = issue.location[2] {
                message = "element \(index + 1): \(message)"
            }
            let summary = definitions?.all.first { $0.name == key }?.summary
            return Problem(variable: variable, message: message + (summary.map { " (\($0))" } ?? ""))
        }
    }
}
