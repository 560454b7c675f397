import FoundationEssentials
import Postlude
import PostludeDurable

extension UploadsApplication {
    /// `POST /upload`: 202 once the file and its tasks are on the disk. From then on the tasks will run, whatever happens to
    /// this process.
    func take(form: Multipart<NewUpload>, tasks: BackgroundTasks) throws -> Response {
        let upload = Upload(title: form.title, filename: form.file.safeName, size: form.file.size)
        try store.save(upload, form.file)
        try tasks.enqueue(ComputeChecksum(upload: upload.id), unique: upload.key, while: .stored)
        try tasks.enqueue(MakeThumbnail(upload: upload.id), unique: upload.key, while: .stored)
        return try .json(upload, status: .accepted, headers: [.location: Upload.path(of: upload.id)])
    }
}
