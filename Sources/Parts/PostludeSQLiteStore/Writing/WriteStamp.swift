internal import GRDB
internal import GRDBSQLite
internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore

/// A number in the file's header (`user_version`) that increases with each transaction. It shows whether a WAL belongs to its
/// file: SQLite itself replays any WAL into any file.
enum WriteStamp {
    static func advance(in database: Database) throws {
        let old = try database.number("PRAGMA user_version") ?? 0
        // The value cannot be bound, so that a prepared statement could not be used again.
        let sql = "PRAGMA user_version = \(Int32(truncatingIfNeeded: old &+ 1))"
        let code = sqlite3_exec(database.sqliteConnection, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw database.failure(code, sql) }
    }

    /// Refuses a WAL of another file, such as one that a crash has left beside a backup that was put back.
    ///
    /// - Throws: ``TaskStoreError`` `damaged`; nothing was changed.
    static func check(_ path: String) throws {
        guard let wal = try WALStamps(of: path + "-wal"), let current = try stamp(of: path) else { return }
        // The last transaction in the file must be the one before the WAL's first, or one of the WAL's. Stamps overflow, so
        // that differences are compared.
        if current &- (wal.first &- 1) >= 0, wal.last &- current >= 0 { return }
        throw TaskStoreError(
            .damaged, path,
            """
            \(path)-wal belongs to another state of the file: its first transaction is number \(wal.first), its last \
            one \(wal.last), and the file's is \(current)
            """,
            advice: """
                if a backup was put back, move \(path)-wal and \(path)-shm away first, or let `tasks restore` do it
                """)
    }

    /// Returns the stamp in the file itself, without its WAL. It is read through SQLite, because closing a descriptor of the
    /// file would release the locks that another connection of this process has on it.
    ///
    /// - Returns: nil if it cannot be read: after a crash during a checkpoint the file may be complete only with its WAL.
    private static func stamp(of path: String) throws -> Int32? {
        let name = path.utf8.map { byte in
            let isPlain = byte == 0x2f || byte == 0x2d || byte == 0x2e || byte == 0x5f
            let isLetter =
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            return isPlain || isLetter ? String(UnicodeScalar(byte)) : "%" + hex(byte)
        }.joined()
        var handle: OpaquePointer?
        defer { sqlite3_close(handle) }
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_open_v2("file:\(name)?immutable=1", &handle, flags, nil) == SQLITE_OK,
            // The file may be shorter than its header indicates.
            sqlite3_exec(handle, "PRAGMA writable_schema = ON", nil, nil, nil) == SQLITE_OK,
            sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &statement, nil) == SQLITE_OK,
            sqlite3_step(statement) == SQLITE_ROW
        else {
            let code = ResultCode(rawValue: sqlite3_errcode(handle))
            if code == .SQLITE_CORRUPT || code == .SQLITE_NOTADB { return nil }
            throw DatabaseError(resultCode: code, message: String(cString: sqlite3_errmsg(handle)))
        }
        return sqlite3_column_int(statement, 0)
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
    }
}

/// The stamps of a WAL's transactions, read from its frames: <https://sqlite.org/fileformat2.html#walformat>.
private struct WALStamps {
    private(set) var first: Int32
    private(set) var last: Int32

    /// - Returns: nil if there is no WAL, or if no transaction in it has a stamp.
    init?(of path: String) throws(SystemError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError("open(\(path))")
        }
        defer { close(descriptor) }
        let header = try Self.read(32, of: descriptor, at: 0, path)
        guard header.count == 32, Self.word(header, 0) & ~1 == 0x377f_0682 else { return nil }
        let size = Int(Self.word(header, 8))
        guard (512...65_536).contains(size), size.nonzeroBitCount == 1 else { return nil }
        var sum = WALChecksum(isBigEndian: Self.word(header, 0) & 1 == 1)
        sum.add(header[..<24])
        guard sum.matches(Self.word(header, 24), Self.word(header, 28)) else { return nil }
        var found: (first: Int32, last: Int32)?
        // The stamp of the transaction to which the frames belong.
        var stamp: Int32?
        var offset: off_t = 32
        while true {
            let frame = try Self.read(24 + size, of: descriptor, at: offset, path)
            guard frame.count == 24 + size, frame[8..<16] == header[16..<24] else { break }
            sum.add(frame[..<8])
            sum.add(frame[24...])
            guard sum.matches(Self.word(frame, 16), Self.word(frame, 20)) else { break }
            if Self.word(frame, 0) == 1 { stamp = Int32(bitPattern: Self.word(frame, 24 + 60)) }
            // Only the last frame of a transaction contains the file's size. Without it the transaction was not committed.
            if Self.word(frame, 4) != 0, let stamp { found = (found?.first ?? stamp, stamp) }
            offset += off_t(24 + size)
        }
        guard let found else { return nil }
        (first, last) = found
    }

    private static func read(_ count: Int, of descriptor: Int32, at offset: off_t, _ path: String)
        throws(SystemError) -> [UInt8]
    {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = pread(descriptor, &bytes, count, offset)
        guard got >= 0 else { throw SystemError("read(\(path))") }
        bytes.removeLast(count - got)
        return bytes
    }

    /// Returns a big-endian number. The caller ensures that there are four bytes.
    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}

private struct WALChecksum {
    private let isBigEndian: Bool
    private var (first, second): (UInt32, UInt32) = (0, 0)

    init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

    /// - Parameter bytes: bytes whose count is a multiple of eight.
    mutating func add(_ bytes: ArraySlice<UInt8>) {
        var (first, second) = (first, second)
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 8 <= bytes.count {
                let one = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                let two = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                first &+= (isBigEndian ? one.bigEndian : one.littleEndian) &+ second
                second &+= (isBigEndian ? two.bigEndian : two.littleEndian) &+ first
                offset += 8
            }
        }
        (self.first, self.second) = (first, second)
    }

    func matches(_ first: UInt32, _ second: UInt32) -> Bool { self.first == first && self.second == second }
}
