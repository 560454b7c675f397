import Postlude

func processUploadedFile(filename: String) async throws {
    print("Processing file \(filename)")
    try await Task.sleep(for: .seconds(5))
    print("File \(filename) is processed")
}

struct FileName: Decodable {
    var filename: String
}

/// `POST /upload?filename=…`
func uploadFile(file: Query<FileName>, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(processUploadedFile, file.filename)
    return ["status": "accepted", "message": "File uploaded and processing started"]
}
