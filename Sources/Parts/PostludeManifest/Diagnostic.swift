/// One mistake in a manifest: where it is, what was found and what was expected.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    package let location: SourceLocation
    package let message: String

    package init(location: SourceLocation, message: String) {
        self.location = location
        self.message = message
    }

    /// `routes.yaml:12:9: message`
    package var description: String { "\(location): \(message)" }
}

/// The reason why a manifest was refused: all its mistakes, in the order of the file.
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

/// A place in a text: lines and columns count from 1, columns in Unicode scalars.
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

/// A place in a file, printed as compilers do: `routes.yaml:12:9`.
package struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
    /// The file's path as it was given.
    package let file: String
    /// `nil` means the file as a whole.
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
