internal import Glibc
internal import Linux
internal import Manifest

/// Where log lines go: standard error or a file, a whole line with each write.
final class LogWriter: Sendable {
    private let descriptor: Int32

    init(_ destination: Manifest.Log.Destination) throws(SystemError) {
        switch destination {
        case .standardError:
            descriptor = STDERR_FILENO
        case .file(let path):
            // Appended, so that several processes can share the file.
            descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else {
                throw SystemError(
                    "open(\(path))", advice: "log.to must be a file that this user may write, or stderr")
            }
        }
    }

    func write(_ line: String) {
        var line = line
        line.append("\n")
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                guard written > 0 else {
                    if written < 0 && errno == EINTR { continue }
                    // There is nobody left to tell, and serving goes on.
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }
}
