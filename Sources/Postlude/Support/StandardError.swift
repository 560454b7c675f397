internal import Glibc

/// Prints a line to standard error.
package func printError(_ text: String) {
    // Not through stdio: its `stderr` is a variable that Swift cannot share between threads.
    let line = Array((text + "\n").utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
