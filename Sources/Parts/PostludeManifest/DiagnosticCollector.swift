/// Gathers the mistakes of one file, so that they are all reported at once.
///
/// A class because every reader of a part of the file adds to the same list.
final class DiagnosticCollector {
    let file: String
    private var found: [(position: SourcePosition?, message: String)] = []

    init(file: String) {
        self.file = file
    }

    var isEmpty: Bool { found.isEmpty }

    func add(_ message: String, at position: SourcePosition?) {
        found.append((position, message))
    }

    func error() -> ManifestError { ManifestError(diagnostics: mistakes) }

    /// The mistakes in the order of the file; those of one place in the order in which they were found.
    var mistakes: [Diagnostic] {
        let start = SourcePosition(line: 0, column: 0)
        let sorted = found.enumerated().sorted { first, second in
            let (one, other) = (first.element.position ?? start, second.element.position ?? start)
            return one == other ? first.offset < second.offset : one < other
        }
        return sorted.map { _, mistake in
            Diagnostic(
                location: SourceLocation(file: file, position: mistake.position), message: mistake.message)
        }
    }
}
