import FoundationEssentials

/// The states of the uploads, one file each, so that every process of the service sees the same.
struct UploadStore: Sendable {
    let folder: String

    func makeFolder() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func save(_ upload: Upload) throws {
        // Atomically: a reader finds the old state or the new one.
        try JSONEncoder().encode(upload).write(to: URL(filePath: file(upload.id, "json")), options: .atomic)
    }

    /// Nil for an id without an upload.
    func upload(_ id: UUID) throws -> Upload? {
        let file = file(id, "json")
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        return try JSONDecoder().decode(Upload.self, from: Data(contentsOf: URL(filePath: file)))
    }

    /// Changes the stored state. The tasks of one upload run one after another, so that no two of them do so
    /// at once.
    func update(_ id: UUID, _ change: (inout Upload) -> Void) throws {
        guard var upload = try upload(id) else { return }
        change(&upload)
        try save(upload)
    }

    func thumbnail(_ id: UUID) -> String { file(id, "png") }

    private func file(_ id: UUID, _ suffix: String) -> String {
        "\(folder)/\(id.uuidString.lowercased()).\(suffix)"
    }
}
