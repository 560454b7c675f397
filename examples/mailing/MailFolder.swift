import FoundationEssentials
import Logging
import Postlude

/// A folder of mails, one .eml file each, that replaces a mail server.
struct MailFolder: Sendable {
    let path: String

    /// Adds a file that is complete when its name appears: it is written under another name and then renamed.
    func add(_ message: String, id: UUID) throws {
        let folder = URL(filePath: path, directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "\(id).eml", directoryHint: .notDirectory)
        try Data(message.utf8).write(to: file, options: .atomic)
        Logger.current.info("mail written to \(file.path)")
    }
}
