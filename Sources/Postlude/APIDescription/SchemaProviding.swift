/// A type that declares the schema of its values in JSON, for types whose schema cannot be derived by decoding.
///
/// ```swift
/// extension Colour: SchemaProviding {
///     static var schema: Schema { Schema(["type": "string", "pattern": "^#[0-9a-f]{6}$"]) }
/// }
/// ```
public protocol SchemaProviding {
    /// The schema of the type's values.
    static var schema: Schema { get }
}
