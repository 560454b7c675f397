import FoundationEssentials
package import Postlude

/// Sends mail to the server in `SMTP_URL`, or writes it to the folder `MAIL_FOLDER`.
package struct Mailer: Sendable {
    enum Delivery: Sendable {
        case server(SMTPServer)
        case folder(MailFolder)
    }

    package let sender: EmailAddress
    let delivery: Delivery

    /// - Throws: `MailError` if a variable's value is invalid.
    package init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        let from = environment["MAIL_FROM"] ?? "notifications@localhost.localdomain"
        guard let sender = EmailAddress(from) else {
            throw MailError("MAIL_FROM is '\(from)': set it to an address such as notifications@example.org")
        }
        self.sender = sender
        if let url = environment["SMTP_URL"], !url.isEmpty {
            delivery = .server(try SMTPServer(url: url))
        } else {
            delivery = .folder(MailFolder(path: environment["MAIL_FOLDER"] ?? "mail"))
        }
    }

    package func send(_ mail: Mail) throws {
        let message = try mail.message()
        switch delivery {
        case .server(let server): try server.send(message, from: mail.from, to: mail.to)
        case .folder(let folder): try folder.add(message, id: mail.id)
        }
    }
}
