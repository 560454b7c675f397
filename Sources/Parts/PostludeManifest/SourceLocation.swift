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
