import FoundationEssentials
import Postlude

extension UploadsApplication {
    /// `GET /uploads/{id:uuid}`: the current state of an upload.
    func show(id: Path<UUID>) throws -> Response {
        guard let upload = try store.upload(id.value) else { throw HTTPError(.notFound, "No such upload") }
        return try .json(upload, headers: [.cacheControl: "no-store"])
    }

    /// `GET /uploads/{id:uuid}/thumbnail`: the PNG that the task has made.
    func showThumbnail(id: Path<UUID>) throws -> Response {
        guard try store.upload(id.value)?.thumbnail != nil else {
            throw HTTPError(.notFound, "No thumbnail")
        }
        return try .file(store.thumbnail(id.value), contentType: "image/png")
    }
}
