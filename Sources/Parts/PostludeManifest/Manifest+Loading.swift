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
    ///   - middleware: the names of its middleware for routes and groups of routes.
    ///   - environment: the variables that values may name as `${NAME}`.
    /// - Throws: all mistakes of the file at once.
    package static func load(
        contentsOf path: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = ProcessEnvironment.variables
    ) throws(ManifestError) -> Manifest {
        try read(contentsOf: path, handlers: handlers, middleware: middleware, environment: environment).get()
    }

    /// Checks a manifest's text.
    ///
    /// - Parameters:
    ///   - yaml: the manifest.
    ///   - file: what diagnostics call it.
    ///   - handlers: the names of the application's handlers.
    ///   - middleware: the names of its middleware for routes and groups of routes.
    ///   - environment: the variables that values may name as `${NAME}`.
    /// - Throws: all mistakes of the text at once.
    package static func parse(
        _ yaml: String, file: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = ProcessEnvironment.variables
    ) throws(ManifestError) -> Manifest {
        try read(yaml, file: file, handlers: handlers, middleware: middleware, environment: environment).get()
    }

    /// Reads a manifest as `load` does, for those who have something to check besides.
    package static func read(
        contentsOf path: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = ProcessEnvironment.variables
    ) -> ManifestReading {
        let diagnostics = DiagnosticCollector(file: path)
        guard let text = ManifestFile.text(of: path, reportingTo: diagnostics) else {
            return ManifestReading(mistakes: diagnostics.mistakes)
        }
        return read(
            text, handlers: handlers, middleware: middleware, environment: environment,
            diagnostics: diagnostics)
    }

    /// Reads a manifest's text as `parse` does, for those who have something to check besides.
    package static func read(
        _ yaml: String, file: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = ProcessEnvironment.variables
    ) -> ManifestReading {
        read(
            yaml, handlers: handlers, middleware: middleware, environment: environment,
            diagnostics: DiagnosticCollector(file: file))
    }

    private static func read(
        _ yaml: String, handlers: some Sequence<String>, middleware: some Sequence<String>,
        environment: [String: String], diagnostics: DiagnosticCollector
    ) -> ManifestReading {
        let source = SourceText(yaml)
        guard let document = YAMLDocument(source, reportingTo: diagnostics) else {
            return ManifestReading(mistakes: diagnostics.mistakes)
        }
        var replacer = EnvironmentReplacer(environment: environment, reportingTo: diagnostics)
        let root = document.root.map { replacer.replace(in: $0) }
        let reader = NodeReader(
            source: source, diagnostics: diagnostics, renamedKeys: document.renamedKeys,
            replacements: replacer.outcomes)
        var reading = ManifestDecoder(reader: reader, handlers: handlers, middleware: middleware).decode(root)
        reading.mistakes = diagnostics.mistakes
        return reading
    }
}

/// A manifest as far as it could be read, and all that is wrong with it.
package struct ManifestReading: Sendable {
    /// Parts with mistakes have their defaults; nil if the text is not a manifest at all.
    package var manifest: Manifest?
    /// In the order of the file.
    package var mistakes: [Diagnostic]
    /// The keys at its top. One whose value is wrong is not missing.
    package var keys: Set<String> = []

    init(_ manifest: Manifest? = nil, mistakes: [Diagnostic] = [], keys: Set<String> = []) {
        self.manifest = manifest
        self.mistakes = mistakes
        self.keys = keys
    }

    /// The manifest, where nothing is wrong with it.
    package func get() throws(ManifestError) -> Manifest {
        guard let manifest, mistakes.isEmpty else { throw ManifestError(diagnostics: mistakes) }
        return manifest
    }
}
