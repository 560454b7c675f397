internal import Glibc

/// Reads a manifest's file, bounded and as UTF-8.
enum ManifestFile {
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
