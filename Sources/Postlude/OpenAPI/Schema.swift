/// A JSON Schema (draft 2020-12), as OpenAPI 3.1 uses it.
public struct Schema: Hashable, Sendable, Encodable {
    /// The schema's keywords.
    public var keywords: [String: JSON]

    public init(_ keywords: [String: JSON] = [:]) { self.keywords = keywords }

    public func encode(to encoder: any Encoder) throws {
        try JSON.object(keywords).encode(to: encoder)
    }
}
