import FoundationEssentials
internal import Glibc
import Postlude

/// The uploads, their files and thumbnails, in one folder, so that every process of the service sees the same.
struct UploadStore: Sendable {
    let folder: String

    func makeFolder() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Keeps an upload and its file: the tasks need it, also after a crash. Both are on the disk when this returns.
    func save(_ upload: Upload, _ file: UploadedFile) throws {
        try file.move(to: path(upload.id, "file"))
        // Atomically: a reader finds the whole description or none.
        try JSONEncoder().encode(upload).write(to: URL(filePath: path(upload.id, "json")), options: .atomic)
        for path in [path(upload.id, "file"), path(upload.id, "json"), folder] { try synchronize(path) }
    }

    /// Nil for an id without an upload.
    func upload(_ id: UUID) throws -> Upload? {
        let path = path(id, "json")
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try JSONDecoder().decode(Upload.self, from: Data(contentsOf: URL(filePath: path)))
    }

    func file(_ id: UUID) throws -> StoredFile { try StoredFile(path(id, "file")) }

    func thumbnail(_ id: UUID) -> String { path(id, "png") }

    private func path(_ id: UUID, _ suffix: String) -> String {
        "\(folder)/\(id.uuidString.lowercased()).\(suffix)"
    }

    private func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError("fsync") }
    }
}
