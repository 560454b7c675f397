import Glibc

/// Names this process for `ps` and `pgrep`; the kernel keeps 15 bytes.
///
/// It is the name of the main thread, whichever thread calls.
package func nameProcess(_ name: String) {
    let file = open("/proc/self/comm", O_WRONLY | O_CLOEXEC)
    // Without /proc it keeps the name of its file.
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
}
