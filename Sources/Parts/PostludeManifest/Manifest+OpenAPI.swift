extension Manifest {
    /// What the application's OpenAPI document says about the application, and where it is served.
    package struct OpenAPI: Sendable, Hashable {
        package var title = "API"
        /// The application's version, as it is written in the file.
        package var version = "1.0.0"
        package var description: String?
        /// The document's path with the manifest's prefix applied; `nil` when it is not served.
        package var document: String?
        /// The path, with the prefix, of the page that shows the document; `nil` when there is none. There is
        /// a document when there is a page.
        package var page: String?

        package init() {}

        /// What is served besides the routes, and what it is.
        package var paths: [(path: String, name: String)] {
            [(document, "(OpenAPI document)"), (page, "(documentation page)")]
                .compactMap { path, name in path.map { ($0, name) } }
        }
    }
}
