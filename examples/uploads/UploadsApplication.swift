internal import CPostludeGD
import FoundationEssentials
import Postlude

/// Takes a file, answers at once, and looks at the file afterwards: its checksum, and a small picture of it.
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
