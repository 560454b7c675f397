import Foundation

/// Lines for the tests, each appended in one write, so that they stay whole.
enum EventLog {
    static func write(_ line: String, to file: String = "events") {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        precondition(descriptor >= 0, "cannot open \(file): \(String(cString: strerror(errno)))")
        let bytes = Array((line + "\n").utf8)
        let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        precondition(written == bytes.count, "cannot write to \(file)")
        close(descriptor)
    }
}
