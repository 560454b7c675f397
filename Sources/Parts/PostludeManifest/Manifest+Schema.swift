extension Manifest {
    /// The JSON Schema (draft-07) with which editors complete and check a manifest.
    package static var schema: String {
        String(decoding: PackageResources.manifest_schema_json, as: UTF8.self)
    }
}
