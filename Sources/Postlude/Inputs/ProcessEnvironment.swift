internal import FoundationEssentials

/// The configuration that the process was started with: its environment variables, decoded into a type.
///
/// ```swift
/// struct Settings: InputFields {
///     @Field(summary: "The mail server") var smtpHost: String
///     @Field(1...65_535) var smtpPort = 25
///     @Field var adminAddresses: [EmailAddress] = []
/// }
///
/// let settings = try ProcessEnvironment.decode(Settings.self, prefix: "APP_")   // APP_SMTP_HOST, APP_SMTP_PORT, …
/// ```
///
/// The property `smtpHost` takes the variable `SMTP_HOST`, and `@Field(name: "http_proxy")` the variable `http_proxy`, each with
/// the prefix before it. A list takes the values between commas. An empty variable counts as not set. Any `Decodable` struct can
/// be decoded; an ``InputFields`` type has defaults and constraints, and all its errors are reported at once.
public enum ProcessEnvironment {
    /// Decodes a type from the environment.
    ///
    /// - Parameters:
    ///   - type: the type to decode.
    ///   - prefix: the prefix of the variables' names.
    /// - Throws: ``EnvironmentError``, which names the variables that are missing or wrong, and never a value.
    public static func decode<Value: Decodable>(_ type: Value.Type, prefix: String = "") throws -> Value {
        try decode(type, prefix: prefix, from: ProcessInfo.processInfo.environment)
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, prefix: String, from variables: [String: String]
    ) throws -> Value {
        let values = variables.filter { $0.key.hasPrefix(prefix) }
            .map { (name: String($0.key.dropFirst(prefix.count)), value: $0.value) }
        let definitions = FieldDefinitions.resolve(type)
        let decoder = ParametersDecoder(
            values, source: "environment", skipsEmpty: true, splitsLists: true,
            matching: { key, name in EnvironmentName.of(key, in: definitions) == name })
        do {
            return try decoder.decodeInput(type)
        } catch let error as InputError {
            throw EnvironmentError(error, of: type, prefix: prefix, variables)
        }
    }
}

/// The names of variables.
private enum EnvironmentName {
    /// Returns the name of a field's variable: the declared name, or that of the property converted, `smtpHost` to `SMTP_HOST`.
    static func of(_ name: String, in definitions: FieldDefinitions?) -> String {
        if definitions?.all.first(where: { $0.name == name })?.isNameGiven == true { return name }
        return String(FieldName.dashed(name).uppercased().map { $0 == "-" ? "_" : $0 })
    }
}

/// The error of environment variables that are missing or wrong. It contains no values: some are secrets.
public struct EnvironmentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A variable, and what is wrong with it.
    public struct Problem: Hashable, Sendable {
        /// The variable's name, with the prefix.
        public let variable: String
        /// What is wrong with the variable.
        public let message: String
    }

    /// The problems, in the order of the type's properties.
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
            let variable = prefix + EnvironmentName.of(key, in: definitions)
            var message = issue.message
            if issue.type == InputRule.missing.type {
                message = "is not set"
            } else if issue.type == InputRule.value.type, let value = variables[variable],
                message.contains(value)
            {
                // A message of the application's own type, which contains the value.
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
