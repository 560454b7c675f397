internal import CPostludeGD
import FoundationEssentials
import Postlude

/// Accepts a file, responds at once, and processes the file afterwards: its checksum and a thumbnail.
@main
struct UploadsApplication: Application {
    let store = UploadStore(
        folder: ProcessInfo.processInfo.environment["UPLOADS_FOLDER"] ?? "state/uploads")

    var handlers: Handlers {
        Handler("home", home)
        Handler("take-upload", take)
        Handler("show-upload", show)
        Handler("show-thumbnail", showThumbnail)
    }

    func start() throws {
        cgd_be_quiet()
        try store.makeFolder()
    }
}
