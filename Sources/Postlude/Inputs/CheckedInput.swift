/// An input that can tell, before any request, that it will never work.
protocol CheckedInput: RequestInput {
    /// What is wrong with the type that it decodes; nil for a sound one.
    static var problem: String? { get }
}

extension Query: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Path: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Header: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Cookies: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Form: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Body: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}
