import FoundationEssentials
import Postlude
import PostludeDurable

extension UploadsApplication {
    /// `GET /uploads/{id:uuid}`: an upload with what its tasks have made so far.
    func show(id: Path<UUID>, tasks: BackgroundTasks) throws -> Response {
        // The task store removes a task some time after its end (`keep` in the manifest).
        guard var upload = try store.upload(id.value),
            let checksum = try tasks.status(of: ComputeChecksum.self, unique: upload.key),
            let thumbnail = try tasks.status(of: MakeThumbnail.self, unique: upload.key)
        else { throw HTTPError(.notFound, "No such upload") }
        try upload.add(checksum, thumbnail)
        return try .json(upload, headers: [.cacheControl: "no-store"])
    }

    /// `GET /uploads/{id:uuid}/thumbnail`: the PNG that the task has made.
    func showThumbnail(id: Path<UUID>) throws -> Response {
        let thumbnail = store.thumbnail(id.value)
        guard FileManager.default.fileExists(atPath: thumbnail) else {
            throw HTTPError(.notFound, "No thumbnail")
        }
        return try .file(thumbnail, contentType: "image/png")
    }
}
