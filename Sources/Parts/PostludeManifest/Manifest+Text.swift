extension Manifest {
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
}
