internal import Glibc

/// Postlude's own version.
let postludeVersion = "0.1.0-dev"

/// The executable's name, as the user typed it.
package var programName: String {
    CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "postlude"
}

/// Prints a line to standard error.
package func printError(_ text: String) {
    // stdio is not used: its `stderr` is a global variable, which is not safe in concurrent Swift code.
    let line = Array((text + "\n").utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
