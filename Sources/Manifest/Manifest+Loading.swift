extension Manifest {
    /// Reads and checks a manifest.
    ///
    /// - Parameters:
    ///   - path: the file; diagnostics show it as it is given here.
    ///   - handlers: the names of the application's handlers.
    /// - Throws: all mistakes of the file at once.
    package static func load(
        contentsOf path: String, handlers: some Sequence<String>
    ) throws(ManifestError) -> Manifest {
        let diagnostics = DiagnosticCollector(file: path)
        guard let text = ManifestFile.text(of: path, reportingTo: diagnostics) else {
            throw diagnostics.error()
        }
        return try parse(text, handlers: handlers, diagnostics: diagnostics)
    }

    /// Checks a manifest's text.
    ///
    /// - Parameters:
    ///   - yaml: the manifest.
    ///   - file: what diagnostics call it.
    ///   - handlers: the names of the application's handlers.
    /// - Throws: all mistakes of the text at once.
    package static func parse(
        _ yaml: String, file: String, handlers: some Sequence<String>
    ) throws(ManifestError) -> Manifest {
        try parse(yaml, handlers: handlers, diagnostics: DiagnosticCollector(file: file))
    }

    private static func parse(
        _ yaml: String, handlers: some Sequence<String>, diagnostics: DiagnosticCollector
    ) throws(ManifestError) -> Manifest {
        let source = SourceText(yaml)
        guard let document = YAMLDocument(source, reportingTo: diagnostics) else { throw diagnostics.error() }
        let reader = NodeReader(source: source, diagnostics: diagnostics, renamedKeys: document.renamedKeys)
        let manifest = ManifestDecoder(reader: reader, handlers: handlers).decode(document.root)
        guard diagnostics.isEmpty else { throw diagnostics.error() }
        return manifest
    }
}
