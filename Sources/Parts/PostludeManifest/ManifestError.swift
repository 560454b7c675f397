/// Why a manifest was refused: all its mistakes, in the order of the file.
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
