import FoundationEssentials
import Postlude
import PostludeDurable

/// Computes the checksum of an upload. A second attempt, as after a crash, computes the same.
struct ComputeChecksum: DurableTask {
    var upload: UUID

    func run(_ context: TaskContext) async throws -> String {
        let store = try context.application(UploadsApplication.self).store
        return try Checksum.sha256(of: store.file(upload))
    }
}

/// Makes the thumbnail of an upload. A second attempt replaces what the first one has made.
struct MakeThumbnail: DurableTask {
    var upload: UUID

    /// What the client is told: where the thumbnail is, or why there is none.
    struct Outcome: Codable {
        var thumbnail: String?
        var error: String?
    }

    func run(_ context: TaskContext) async throws -> Outcome {
        let store = try context.application(UploadsApplication.self).store
        do {
            try Thumbnail.make(of: store.file(upload), at: store.thumbnail(upload))
            return Outcome(thumbnail: Upload.path(of: upload) + "/thumbnail")
        } catch let error as ImageError {
            // Not a failure of the task: another attempt would find the same file, and an operator can do nothing.
            return Outcome(error: error.description)
        }
    }
}
