import Foundation
import Postlude

// Forms with files. Files that are kept move to the test's folder.

@HandlersBuilder
var uploadHandlers: Handlers {
    Handler("upload", upload)
    Handler("upload-refusing", uploadRefusing)
    Handler("upload-form", uploadForm)
}

struct UploadFields: Decodable {
    var title: String
    var file: UploadedFile
    /// A gate for which the task waits.
    var gate: String?
    var keep: String?
}

struct UploadAnswer: Encodable {
    var title: String
    var filename: String?
    var type: String?
    var size: Int
    var path: String
}

/// Its task gets only the file's path.
func upload(form: Multipart<UploadFields>, tasks: BackgroundTasks) throws -> UploadAnswer {
    let file = form.file
    if let name = form.keep { try file.move(to: name) }
    tasks.add(named: "look at the upload", lookAtUpload, file.path, form.gate)
    return UploadAnswer(
        title: form.title, filename: file.filename, type: file.contentType, size: file.size, path: file.path)
}

func lookAtUpload(path: String, gate: String?) throws {
    try Gate.wait(gate)
    guard let file = FileHandle(forReadingAtPath: path) else { throw CocoaError(.fileNoSuchFile) }
    EventLog.write("\(try file.seekToEnd()) bytes")
}

func uploadRefusing(form: Multipart<UploadFields>, tasks: BackgroundTasks) throws {
    tasks.add(named: "never", lookAtUpload, form.file.path, nil)
    throw CocoaError(.featureUnsupported)
}

func uploadForm(form: MultipartForm) -> [String] {
    form.texts.map { "\($0.name)=\($0.value)" } + form.files.map { "\($0.name):\($0.file.size)" }
}
