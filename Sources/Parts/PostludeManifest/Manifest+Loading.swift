internal import FoundationEssentials
internal import Glibc

extension Manifest {
    /// Reads and checks a manifest.
    ///
    /// Values may contain `${NAME}` and `${NAME:-default}`; `$${` is a literal `${`. After the replacement, a plain value is a
    /// number, a boolean or text, and a quoted value is text. Inside `{ }` and `[ ]`, YAML ends a plain value at a brace. There
    /// the value needs quotes, which make it text; a number or a boolean needs a line of its own instead.
    ///
    /// - Parameters:
    ///   - path: the file's path, which diagnostics show unchanged.
    ///   - handlers: the names of the application's handlers.
    ///   - middleware: the names of the application's middleware for routes and groups of routes.
    ///   - environment: the variables to which values may refer as `${NAME}`.
    /// - Throws: all mistakes of the file in one error.
    package static func load(
        contentsOf path: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = EnvironmentVariables.current
    ) throws(ManifestError) -> Manifest {
        try read(contentsOf: path, handlers: handlers, middleware: middleware, environment: environment).get()
    }

    /// Checks a manifest's text.
    ///
    /// - Parameters:
    ///   - yaml: the manifest's text.
    ///   - file: the name of the file in diagnostics.
    ///   - handlers: the names of the application's handlers.
    ///   - middleware: the names of the application's middleware for routes and groups of routes.
    ///   - environment: the variables to which values may refer as `${NAME}`.
    /// - Throws: all mistakes of the text in one error.
    package static func parse(
        _ yaml: String, file: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = EnvironmentVariables.current
    ) throws(ManifestError) -> Manifest {
        try read(yaml, file: file, handlers: handlers, middleware: middleware, environment: environment).get()
    }

    /// Reads a manifest as `load` does, but returns its mistakes, so that the caller can add others.
    package static func read(
        contentsOf path: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = EnvironmentVariables.current
    ) -> ManifestReading {
        let diagnostics = DiagnosticCollector(file: path)
        guard let text = ManifestFile.text(of: path, reportingTo: diagnostics) else {
            return ManifestReading(mistakes: diagnostics.mistakes)
        }
        return read(
            text, handlers: handlers, middleware: middleware, environment: environment,
            diagnostics: diagnostics)
    }

    /// Reads a manifest's text as `parse` does, but returns its mistakes, so that the caller can add others.
    package static func read(
        _ yaml: String, file: String, handlers: some Sequence<String>, middleware: some Sequence<String> = [],
        environment: [String: String] = EnvironmentVariables.current
    ) -> ManifestReading {
        read(
            yaml, handlers: handlers, middleware: middleware, environment: environment,
            diagnostics: DiagnosticCollector(file: file))
    }

    /// Returns the text of a manifest's file. Only its size and its encoding, UTF-8, are checked.
    ///
    /// - Parameter path: the file's path, which diagnostics show unchanged.
    package static func text(contentsOf path: String) throws(ManifestError) -> String {
        let diagnostics = DiagnosticCollector(file: path)
        guard let text = ManifestFile.text(of: path, reportingTo: diagnostics) else {
            throw diagnostics.error()
        }
        return text
    }

    /// Returns a manifest's text with the changes that correct mistakes in it. Everything else stays as it is.
    package static func text(_ yaml: String, applying fixes: [TextFix]) -> String {
        SourceText(yaml).applying(fixes)
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
            source: source, diagnostics: diagnostics, replacements: replacer.outcomes)
        var reading = ManifestDecoder(reader: reader, handlers: handlers, middleware: middleware).decode(root)
        reading.mistakes = diagnostics.mistakes
        return reading
    }
}

/// A manifest as far as it could be decoded, and all its mistakes.
package struct ManifestReading: Sendable {
    /// The manifest, in which values with mistakes have their defaults; `nil` if the text is not a manifest at all.
    package var manifest: Manifest?
    /// All mistakes, in the order of the file.
    package var mistakes: [Diagnostic]
    /// The top-level keys of the file, including those with invalid values.
    package var keys: Set<String> = []

    init(_ manifest: Manifest? = nil, mistakes: [Diagnostic] = [], keys: Set<String> = []) {
        self.manifest = manifest
        self.mistakes = mistakes
        self.keys = keys
    }

    /// Returns the manifest if it has no mistakes.
    package func get() throws(ManifestError) -> Manifest {
        guard let manifest, mistakes.isEmpty else { throw ManifestError(diagnostics: mistakes) }
        return manifest
    }
}

/// Reads a manifest's file, of a bounded size and in UTF-8.
private enum ManifestFile {
    static func text(of path: String, reportingTo diagnostics: DiagnosticCollector) -> String? {
        // Without O_NONBLOCK, opening a named pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            diagnostics.add("cannot be opened: \(reason(errno))", at: nil)
            return nil
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            diagnostics.add("is not a regular file, expected a manifest", at: nil)
            return nil
        }
        guard let bytes = read(descriptor, reportingTo: diagnostics) else { return nil }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        diagnostics.add("found a byte that is not UTF-8, expected UTF-8", at: invalidPosition(in: bytes))
        return nil
    }

    private static func read(_ descriptor: Int32, reportingTo diagnostics: DiagnosticCollector) -> [UInt8]? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                diagnostics.add("cannot be read: \(reason(errno))", at: nil)
                return nil
            }
            if count == 0 { return bytes }
            bytes += piece.prefix(count)
            guard bytes.count <= ManifestBounds.fileSize else {
                let bound = ByteCountText.text(of: ManifestBounds.fileSize)
                diagnostics.add("is larger than \(bound), expected a smaller manifest", at: nil)
                return nil
            }
        }
    }

    private static func invalidPosition(in bytes: [UInt8]) -> SourcePosition {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var (line, column) = (1, 1)
        while case .valid(let scalar) = parser.parseScalar(from: &iterator) {
            if scalar.elementsEqual([0x0A]) { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        return SourcePosition(line: line, column: column)
    }

    private static func reason(_ error: Int32) -> String {
        strerror(error).map { String(cString: $0) } ?? "error \(error)"
    }
}

/// The environment variables of this process.
package enum EnvironmentVariables {
    package static var current: [String: String] { ProcessInfo.processInfo.environment }
}
