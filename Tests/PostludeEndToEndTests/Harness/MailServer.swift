import Foundation
import PostludeSpawning

/// The real SMTP server aiosmtpd on a free port, which writes every mail to a folder.
final class MailServer {
    let port: UInt16
    private let folder: TestFolder
    private let process: ChildProcess

    private init(in folder: TestFolder) throws {
        self.folder = folder
        port = try FreePort.take()
        // Debian's Python, which finds Debian's python3-aiosmtpd.
        process = try ChildProcess(
            "/usr/bin/python3",
            [
                "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:\(port)", "-c", "aiosmtpd.handlers.Mailbox",
                folder.file("mailbox"),
            ], output: folder.file("smtp.log"), errors: folder.file("smtp.log"))
        let endpoint = Endpoint.tcp("127.0.0.1", port)
        try waitUntil("aiosmtpd listens; it says: \(folder.text("smtp.log"))") {
            if let exit = process.exitIfEnded() {
                throw TimedOut(description: "aiosmtpd ended with \(exit): \(folder.text("smtp.log"))")
            }
            return (try? StreamSocket(to: endpoint)) != nil
        }
    }

    static func run<R>(in folder: TestFolder, _ body: (MailServer) throws -> R) throws -> R {
        let server = try MailServer(in: folder)
        defer {
            server.process.send(signal: SIGTERM)
            _ = try? server.process.waitForExit()
        }
        return try body(server)
    }

    /// The mails that have arrived, each as its whole text.
    var mails: [String] {
        let arrived = folder.file("mailbox") + "/new"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: arrived)) ?? []
        return names.sorted().map { folder.text("mailbox/new/" + $0) }
    }
}
