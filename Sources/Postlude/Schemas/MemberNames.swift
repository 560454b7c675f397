extension Schema {
    /// Returns the names of the members that a type decodes, in their order.
    ///
    /// - Returns: nil if they are not known: the type is not `Decodable`, refuses all samples, or has no members.
    package static func memberNames(of type: any Any.Type) -> [String]? {
        let recorder = SchemaRecorder()
        _ = recorder.schema(of: type)
        guard let definition = recorder.definitions[Schema.Definition.key(of: type)], !definition.isIncomplete
        else { return nil }
        return definition.propertyNames
    }
}
