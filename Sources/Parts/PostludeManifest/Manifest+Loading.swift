internal import FoundationEssentials
internal import Glibc

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

    /// Reads a manifest's text, without checking more than that it is text.
    ///
    /// - Parameter path: the file; diagnostics show it as it is given here.
    package static func text(contentsOf path: String) throws(ManifestError) -> String {
        let diagnostics = DiagnosticCollector(file: path)
        guard let text = ManifestFile.text(of: path, reportingTo: diagnostics) else {
            throw diagnostics.error()
        }
        return text
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

/// Reads a manifest's file, bounded and as UTF-8.
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

/// The variables with which this process was started.
package enum ProcessEnvironment {
    package static var variables: [String: String] { ProcessInfo.processInfo.environment }
}
