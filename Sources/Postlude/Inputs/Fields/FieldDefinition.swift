/// What is known of a ``Field`` before any request: one for each property of an ``InputFields`` type.
protocol FieldDefinition: AnyObject, Sendable {
    /// The property's name.
    var key: String { get }
    /// The name that clients write, where the declaration gives one; else the property's name.
    var name: String { get }
    /// Whether `name` was given, and stands in a header or in the environment as it is.
    var isNameGiven: Bool { get }
    var rules: FieldRules { get }
    /// What it is where clients leave it out; nil for a required field, and for an optional one.
    var defaultValue: (any Encodable & Sendable)? { get }
    var isRequired: Bool { get }
    var summary: String? { get }
    /// Why no value can ever be decoded.
    var problem: String? { get }
    static var valueType: any Decodable.Type { get }
}
