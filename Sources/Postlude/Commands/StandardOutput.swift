internal import Glibc

/// Prints lines to standard output.
///
/// - Throws: where it takes no more, as on a full disk: the command has not done what it was asked for.
package func printOutput(_ text: some CustomStringConvertible) throws {
    try writeOutput(Array("\(text)\n".utf8))
}

/// Writes all bytes to standard output.
package func writeOutput(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw OutputError(code: errno) }
        rest = rest.dropFirst(count)
    }
}

/// Standard output takes no more.
package struct OutputError: Error, CustomStringConvertible {
    package let code: Int32

    package var description: String {
        "cannot write to standard output: \(strerror(code).map { String(cString: $0) } ?? "error \(code)")"
    }
}
