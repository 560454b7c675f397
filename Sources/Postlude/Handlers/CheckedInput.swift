/// An input of the library that can be checked before the first request.
protocol CheckedInput: RequestInput {
    /// The mistake in the type that the input decodes; nil for a valid type.
    static var problem: String? { get }
    /// The path parameters that the input uses.
    static var pathNeeds: PathNeeds { get }
    /// The format that the input requires of the whole body; nil if it does not use the body.
    static var bodyForm: String? { get }
}

extension CheckedInput {
    static var problem: String? { nil }
    static var pathNeeds: PathNeeds { .nothing }
    static var bodyForm: String? { nil }
}

extension Query: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Path: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
    static var pathNeeds: PathNeeds { PathNeeds(of: Value.self) }
}

extension Header: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Cookies: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension Form: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
    static var bodyForm: String? { "a form" }
}

extension JSONBody: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
    static var bodyForm: String? { "JSON" }
}

extension Multipart: CheckedInput {
    static var problem: String? { FieldDefinitions.problem(of: Value.self) }
}

extension MultipartForm: CheckedInput {}
extension BodyStream: CheckedInput {}
extension BackgroundTasks: CheckedInput {}
