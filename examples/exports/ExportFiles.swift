import FoundationEssentials
internal import Glibc

/// The files of all exports, in one folder. A file has another name until it is complete.
struct ExportFiles: Sendable {
    let folder: String

    static func name(of number: Int) -> String { "export-\(number).csv" }

    func path(of number: Int) -> String { "\(folder)/\(Self.name(of: number))" }

    private func unfinishedPath(of number: Int) -> String { path(of: number) + ".part" }

    func makeFolder() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Opens an unfinished file, or makes it.
    ///
    /// - Parameter length: what was written after this length, in bytes, is cut off. A file that is shorter becomes empty.
    func open(_ number: Int, at length: Int) throws -> ExportFile {
        try ExportFile(unfinishedPath(of: number), at: length)
    }

    func isFinished(_ number: Int) -> Bool { FileManager.default.fileExists(atPath: path(of: number)) }

    /// Gives a complete file its name. The new name is on the disk when this returns.
    func finish(_ number: Int) throws {
        guard rename(unfinishedPath(of: number), path(of: number)) == 0 else {
            throw ExportFileError("rename")
        }
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ExportFileError("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw ExportFileError("fsync") }
    }

    /// Removes the file of a cancelled export. An attempt that is still running goes on to write to the file without a name,
    /// which vanishes when the attempt ends.
    func remove(_ number: Int) {
        unlink(unfinishedPath(of: number))
        unlink(path(of: number))
    }
}

/// The open file of an export.
struct ExportFile: ~Copyable {
    private let descriptor: Int32
    /// In bytes.
    private(set) var length = 0

    fileprivate init(_ path: String, at expected: Int) throws {
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw ExportFileError("open") }
        let found = lseek(descriptor, 0, SEEK_END)
        length = found < expected ? 0 : expected
        guard ftruncate(descriptor, length) == 0, lseek(descriptor, length, SEEK_SET) == length else {
            throw ExportFileError("ftruncate")
        }
    }

    deinit { close(descriptor) }

    mutating func append(_ text: String) throws {
        var text = text
        try text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = write(descriptor, rest.baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw ExportFileError("write") }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
        }
        length += text.utf8.count
    }

    /// Returns when all that was written is on the disk.
    func synchronize() throws {
        guard fdatasync(descriptor) == 0 else { throw ExportFileError("fdatasync") }
    }
}

/// An error of the operating system, such as a full disk.
struct ExportFileError: Error, CustomStringConvertible {
    let description: String

    /// - Parameter call: the system call that has just failed.
    init(_ call: String) { description = "\(call): \(String(cString: strerror(errno)))" }
}
