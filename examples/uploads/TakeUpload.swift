import FoundationEssentials
import Postlude

extension UploadsApplication {
    /// `POST /upload`: 202 as soon as the file has arrived. The tasks get the file itself, which exists until
    /// the last of them has ended; nothing keeps it longer.
    func take(form: Multipart<NewUpload>, tasks: BackgroundTasks) throws -> Response {
        let upload = Upload(title: form.title, filename: form.file.safeName, size: form.file.size)
        try store.save(upload)
        tasks.add(named: "checksum", checksum, form.file, upload.id)
        tasks.add(named: "thumbnail", makeThumbnail, form.file, upload.id)
        return try .json(upload, status: .accepted, headers: [.location: upload.path])
    }

    func checksum(of file: UploadedFile, id: UUID) throws {
        try recordingFailure(of: id) {
            let checksum = try Checksum.sha256(of: file)
            try store.update(id) { $0.sha256 = checksum }
        }
    }

    func makeThumbnail(of file: UploadedFile, id: UUID) throws {
        try recordingFailure(of: id) {
            try Thumbnail.make(of: file, at: store.thumbnail(id))
            try store.update(id) { upload in
                upload.thumbnail = upload.path + "/thumbnail"
                if upload.status == .pending { upload.status = .done }
            }
        }
    }

    /// The client and the log both learn that a task has failed, since the error is passed on.
    private func recordingFailure(of id: UUID, _ work: () throws -> Void) throws {
        do {
            try work()
        } catch {
            try store.update(id) { upload in
                upload.status = .failed
                upload.error = (error as? ImageError)?.description ?? "The server could not work on the file"
            }
            throw error
        }
    }
}
