internal import Glibc
internal import PostludeManifest
internal import PostludeSystem

/// A search for a request's line in the access log, if that is a file. It reads from the end of the file, since what is looked
/// for is mostly recent.
struct AccessLogSearch: Sendable {
    /// What was found.
    struct Result: Codable, Sendable, Hashable {
        /// The lines, the newest first.
        var lines: [String] = []
        /// Why there may be no line, or where else to look; nil if the file was searched.
        var note: String?
    }

    /// How much of a file is searched, and for how long.
    static let searched = 256 << 20
    static let time = Duration.seconds(1)
    /// Longer lines are cut.
    static let longestLine = 1 << 16
    private static let mostLines = 10

    private let log: Manifest.Log.Access?
    private let chunk: Int

    /// - Parameter chunk: the number of bytes that are read at once.
    init(_ log: Manifest.Log.Access?, chunk: Int = 1 << 18) {
        self.log = log
        self.chunk = chunk
    }

    /// Searches the file, and if there is no such line the previous file of a rotation, whose name ends in `.1`.
    func lines(of request: String) -> Result {
        guard let log else { return Result(note: "There is no access log: `log.access` of the manifest.") }
        if case .text(let format) = log.format, !format.contains("request_id") {
            return Result(note: "The format of the access log has no $request_id.")
        }
        switch log.destination {
        case .standardError:
            return Result(note: "The access log goes to standard error, which the page cannot search.")
        case .syslog: return Result(note: "The access log goes to syslog, which the page cannot search.")
        case .journald:
            let isPlain = request.utf8.allSatisfy { Self.isOfWord($0) }
            let command = isPlain ? ": journalctl POSTLUDE_REQUEST=\(request)" : "."
            return Result(note: "The access log goes to journald, which the page cannot search\(command)")
        case .file(let path):
            var failure: SystemError?
            for file in [path, path + ".1"] where file == path || access(file, F_OK) == 0 {
                do throws(SystemError) {
                    let lines = try lines(of: request, in: file)
                    if !lines.isEmpty { return Result(lines: lines) }
                } catch {
                    failure = failure ?? error
                }
            }
            if let failure { return Result(note: "The access log cannot be read: \(failure)") }
            return Result(
                note:
                    "The access log has no such line yet: one is written when a request's last task has ended."
            )
        }
    }

    private func lines(of request: String, in path: String) throws(SystemError) -> [String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError("open(\(path))") }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else { throw SystemError("lseek(\(path))") }
        let (id, deadline) = (Array(request.utf8), MonotonicTime.now + Self.time)
        // The beginning of the chunk that was read before, which is the end of a line.
        var rest: [UInt8] = []
        var end = Int(size)
        while end > 0, Int(size) - end < Self.searched, MonotonicTime.now < deadline {
            let start = max(0, end - chunk)
            let bytes = try Self.read(start..<end, of: descriptor, path) + rest
            // What precedes the first line end is the end of a line that begins in an earlier chunk.
            let first = start == 0 ? 0 : bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
            guard let first else {
                rest = Array(bytes.prefix(Self.longestLine))
                end = start
                continue
            }
            let found = Self.lines(in: Array(bytes[first...]), of: id)
            if !found.isEmpty { return found }
            rest = Array(bytes[..<first].prefix(Self.longestLine))
            end = start
        }
        return []
    }

    /// Returns the lines with the id as a whole word, the last ones first.
    private static func lines(in bytes: [UInt8], of id: [UInt8]) -> [String] {
        guard !id.isEmpty else { return [] }
        var found: [String] = []
        var place = 0
        while let index = bytes.firstIndex(of: id, from: place) {
            let after = index + id.count
            let isWord =
                (index == 0 || !isOfWord(bytes[index - 1]))
                && (after == bytes.count || !isOfWord(bytes[after]))
            guard isWord else {
                place = index + 1
                continue
            }
            let start = bytes[..<index].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let end = bytes[after...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            found.append(String(decoding: bytes[start..<end].prefix(longestLine), as: UTF8.self))
            place = end
        }
        return found.suffix(mostLines).reversed()
    }

    /// Whether a byte may be a part of a request's id.
    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func read(
        _ range: Range<Int>, of descriptor: Int32, _ path: String
    ) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var count = 0
        while count < bytes.count {
            let offset = off_t(range.lowerBound + count)
            let read = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count, offset)
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw SystemError("pread(\(path))") }
            // It was cut meanwhile.
            if read == 0 { break }
            count += read
        }
        return Array(bytes.prefix(count))
    }
}
