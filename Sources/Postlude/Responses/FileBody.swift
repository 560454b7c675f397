internal import PostludeSystem

/// A file that is open, or a range of it.
public struct FileBody: Sendable {
    let file: OpenFile
    /// Which of its bytes are sent.
    public internal(set) var range: Range<Int>

    init(_ file: OpenFile) {
        self.file = file
        range = 0..<file.count
    }

    /// How many bytes are sent.
    public var count: Int { range.count }

    /// Where it lies, without symbolic links; nil when it is not to be found any more.
    public var path: String? { file.realPath }

    /// Reads piece after piece.
    ///
    /// - Parameters:
    ///   - buffer: at least one byte long.
    ///   - write: gets the pieces; false stops.
    /// - Returns: whether `write` took all of them.
    /// - Throws: `FileShrank`, or the system's error.
    func read(
        through buffer: UnsafeMutableRawBufferPointer, _ write: (UnsafeRawBufferPointer) -> Bool
    ) throws -> Bool {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(range.upperBound - offset))
            let count = try file.read(into: piece, at: offset)
            guard count > 0 else { throw FileShrank(path: path ?? "", count: file.count, end: offset) }
            guard write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(piece).prefix(count))) else {
                return false
            }
            offset += count
        }
        return true
    }

    /// All of it.
    func read() throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
            _ = try read(through: buffer) { piece in
                bytes += piece
                return true
            }
        }
        return bytes
    }
}

/// A file was cut while it was sent: what is missing cannot be made up.
struct FileShrank: Error, CustomStringConvertible {
    let path: String
    let count: Int
    let end: Int

    var description: String {
        "\(path) had \(count) bytes and ends at \(end) now; replace a file by renaming a new one to its name"
    }
}
