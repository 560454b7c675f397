internal import Glibc
internal import Linux
internal import Logging
internal import Manifest
internal import Synchronization

/// Where log lines go: standard error or a file, a whole line with each write.
///
/// It begins with standard error, so that an application can log before its manifest has been read.
final class LogWriter: Sendable {
    private let descriptor = Atomic<Int32>(STDERR_FILENO)
    private let levelIndex = Atomic<Int>(LogWriter.index(of: .info))

    /// Entries below it are not written, unless their logger has a level of its own.
    var level: Logger.Level { Logger.Level.allCases[levelIndex.load(ordering: .relaxed)] }

    /// Writes as the manifest says from now on.
    func apply(_ log: Manifest.Log) throws(SystemError) {
        levelIndex.store(Self.index(of: log.level), ordering: .relaxed)
        guard case .file(let path) = log.destination else { return }
        // Appended, so that several processes can share the file.
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard file >= 0 else {
            throw SystemError(
                "open(\(path))", advice: "log.to must be a file that this user may write, or stderr")
        }
        descriptor.store(file, ordering: .relaxed)
    }

    private static func index(of level: Logger.Level) -> Int {
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }

    func write(_ line: String) {
        let descriptor = descriptor.load(ordering: .relaxed)
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
