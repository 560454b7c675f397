import FoundationEssentials
import Logging
import Postlude

/// A folder of mails, one .eml file each, as a stand-in for a mail server.
struct MailFolder: Sendable {
    let path: String

    /// Adds a file that is whole as soon as it has its name: it is written beside it and then renamed.
    func add(_ message: String, id: UUID) throws {
        let folder = URL(filePath: path, directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "\(id).eml", directoryHint: .notDirectory)
        try Data(message.utf8).write(to: file, options: .atomic)
        Logger.current.info("mail written to \(file.path)")
    }
}
