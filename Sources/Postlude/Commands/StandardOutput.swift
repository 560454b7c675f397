internal import Glibc

/// Prints lines to standard output.
///
/// - Throws: `OutputError` if the output cannot be written, for example because the disk is full. The command has failed
///   then.
package func printOutput(_ text: some CustomStringConvertible) throws {
    try writeOutput(Array("\(text)\n".utf8))
}

/// Writes all bytes to standard output.
package func writeOutput(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw OutputError(code: count == 0 ? EIO : errno) }
        rest = rest.dropFirst(count)
    }
}

/// The error of writing to standard output.
package struct OutputError: Error, CustomStringConvertible {
    package let code: Int32

    package var description: String {
        "cannot write to standard output: \(strerror(code).map { String(cString: $0) } ?? "error \(code)")"
    }
}
