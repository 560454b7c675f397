/// A mistake in a manifest: its location, and a message with what was found and what was expected.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    package let location: SourceLocation
    package let message: String
    /// The change that corrects the mistake; `nil` if only a person can know it.
    package let fix: TextFix?

    package init(location: SourceLocation, message: String, fix: TextFix? = nil) {
        self.location = location
        self.message = message
        self.fix = fix
    }

    /// `routes.yaml:12:9: message`
    package var description: String { "\(location): \(message)" }
}

/// A change of a text: `old` at a position is replaced by `new`. Neither has a line break.
package struct TextFix: Sendable, Hashable {
    package let position: SourcePosition
    package let old: String
    package let new: String
}

/// The error for an invalid manifest: all its mistakes, in the order of the file.
package struct ManifestError: Error, CustomStringConvertible {
    package let diagnostics: [Diagnostic]

    package init(diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics
    }

    /// One line for each mistake.
    package var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}

/// Collects the mistakes of one file, so that all are reported at once.
///
/// It is a class, because the readers of all parts of the file add to the same list.
final class DiagnosticCollector {
    let file: String
    private var found: [(position: SourcePosition?, message: String, fix: TextFix?)] = []

    init(file: String) {
        self.file = file
    }

    var isEmpty: Bool { found.isEmpty }

    func add(_ message: String, at position: SourcePosition?, fix: TextFix? = nil) {
        found.append((position, message, fix))
    }

    func error() -> ManifestError { ManifestError(diagnostics: mistakes) }

    /// The mistakes in the order of the file. Those of one position are in the order in which they were found.
    var mistakes: [Diagnostic] {
        let start = SourcePosition(line: 0, column: 0)
        let sorted = found.enumerated().sorted { first, second in
            let (one, other) = (first.element.position ?? start, second.element.position ?? start)
            return one == other ? first.offset < second.offset : one < other
        }
        return sorted.map { _, mistake in
            Diagnostic(
                location: SourceLocation(file: file, position: mistake.position), message: mistake.message,
                fix: mistake.fix)
        }
    }
}

/// A position in a text. Lines and columns count from 1, columns in Unicode scalars.
package struct SourcePosition: Sendable, Hashable, Comparable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (earlier: SourcePosition, later: SourcePosition) -> Bool {
        (earlier.line, earlier.column) < (later.line, later.column)
    }
}

/// A location in a file, which is printed as compilers do: `routes.yaml:12:9`.
package struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
    /// The file's path as it was given.
    package let file: String
    /// The line and column; `nil` for the file as a whole.
    package let position: SourcePosition?

    package init(file: String, position: SourcePosition?) {
        self.file = file
        self.position = position
    }

    package var description: String {
        guard let position else { return file }
        return "\(file):\(position.line):\(position.column)"
    }
}
