/// A type that says itself how its values look in JSON, where letting it decode would not tell.
///
/// ```swift
/// extension Colour: SchemaProviding {
///     static var schema: Schema { Schema(["type": "string", "pattern": "^#[0-9a-f]{6}$"]) }
/// }
/// ```
public protocol SchemaProviding {
    /// What the type's values look like.
    static var schema: Schema { get }
}
