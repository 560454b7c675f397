/// What a ``Field`` asks of its value beside its type, in JSON Schema's terms (draft 2020-12, validation).
struct FieldRules: Hashable, Sendable {
    var minimum: Double?
    var maximum: Double?
    var exclusiveMinimum: Double?
    var exclusiveMaximum: Double?
    /// In Unicode scalars, as for JSON Schema.
    var minimumLength: Int?
    var maximumLength: Int?
    var minimumCount: Int?
    var maximumCount: Int?
    /// A regular expression that matches somewhere in the text.
    var pattern: String?
}
