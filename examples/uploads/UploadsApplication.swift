internal import CPostludeGD
import FoundationEssentials
import Postlude
import PostludeDurable

/// Accepts a file, responds at once, and processes the file afterwards: its checksum and a thumbnail.
@main
struct UploadsApplication: Application {
    let store = UploadStore(
        folder: (ProcessInfo.processInfo.environment["STATE_DIRECTORY"] ?? "/var/lib/uploads") + "/files")

    var handlers: Handlers {
        Handler("home", home)
        Handler("take-upload", take)
        Handler("show-upload", show)
        Handler("show-thumbnail", showThumbnail)
        Handler.durableTaskEvents()
    }

    /// A 202 promises both results, so both tasks are durable. A task that may be lost is added by `tasks.add`.
    var taskEngine: TaskEngine? {
        .durable {
            ComputeChecksum.self
            MakeThumbnail.self
        }
    }

    func start() throws {
        cgd_be_quiet()
        try store.makeFolder()
    }
}
