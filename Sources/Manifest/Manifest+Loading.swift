extension Manifest {
    /// Reads and checks a manifest.
    ///
    /// Values may hold `${NAME}` and `${NAME:-default}`; `$${` is a literal `${`. A plain value then is the
    /// number, truth value or text that its characters make, a quoted one is text. Inside of `{ }` and `[ ]`
    /// YAML itself ends a plain value before the brace: there the value needs quotes, and a number or a truth
    /// value, which quotes would make text, a line of its own.
    ///
    /// - Parameters:
    ///   - path: the file; diagnostics show it as it is given here.
    ///   - handlers: the names of the application's handlers.
    ///   - environment: the variables that values may name as `${NAME}`.
    /// - Throws: all mistakes of the file at once.
    package static func load(
        contentsOf path: String, handlers: some Sequence<String>,
        environment: [String: String] = ProcessEnvironment.variables
    ) throws(ManifestError) -> Manifest {
        let diagnostics = DiagnosticCollector(file: path)
        guard let text = ManifestFile.text(of: path, reportingTo: diagnostics) else {
            throw diagnostics.error()
        }
        return try parse(text, handlers: handlers, environment: environment, diagnostics: diagnostics)
    }

    /// Checks a manifest's text.
    ///
    /// - Parameters:
    ///   - yaml: the manifest.
    ///   - file: what diagnostics call it.
    ///   - handlers: the names of the application's handlers.
    ///   - environment: the variables that values may name as `${NAME}`.
    /// - Throws: all mistakes of the text at once.
    package static func parse(
        _ yaml: String, file: String, handlers: some Sequence<String>,
        environment: [String: String] = ProcessEnvironment.variables
    ) throws(ManifestError) -> Manifest {
        try parse(
            yaml, handlers: handlers, environment: environment, diagnostics: DiagnosticCollector(file: file))
    }

    private static func parse(
        _ yaml: String, handlers: some Sequence<String>, environment: [String: String],
        diagnostics: DiagnosticCollector
    ) throws(ManifestError) -> Manifest {
        let source = SourceText(yaml)
        guard let document = YAMLDocument(source, reportingTo: diagnostics) else { throw diagnostics.error() }
        var replacer = EnvironmentReplacer(environment: environment, reportingTo: diagnostics)
        let root = document.root.map { replacer.replace(in: $0) }
        let reader = NodeReader(
            source: source, diagnostics: diagnostics, renamedKeys: document.renamedKeys,
            replacements: replacer.outcomes)
        let manifest = ManifestDecoder(reader: reader, handlers: handlers).decode(root)
        guard diagnostics.isEmpty else { throw diagnostics.error() }
        return manifest
    }
}
