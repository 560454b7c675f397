/// An input of the library, which can tell before any request whether it will ever work.
protocol CheckedInput: RequestInput {
    /// What is wrong with the type that it decodes; nil for a sound one.
    static var problem: String? { get }
    /// What it takes of the route's path.
    static var pathNeeds: PathNeeds { get }
    /// What the whole body has to be; nil for an input that does not take it.
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
