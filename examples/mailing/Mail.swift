package import FoundationEssentials
package import Postlude

/// A plain-text mail to one person.
package struct Mail: Sendable {
    package let from: EmailAddress
    package let to: EmailAddress
    private let name: String?
    private let subject: String
    private let text: String
    private let date: Date
    let id: UUID

    /// - Parameters:
    ///   - name: the recipient's name.
    ///   - date: the date of the mail.
    ///   - id: used in its `Message-ID` and its file's name. A mail that is sent again has the same id.
    package init(
        from: EmailAddress, to: EmailAddress, name: String? = nil, subject: String, text: String,
        date: Date = Date(), id: UUID = UUID()
    ) {
        self.from = from
        self.to = to
        self.name = name
        self.subject = subject
        self.text = text
        self.date = date
        self.id = id
    }

    /// The mail in the form of RFC 5322: CRLF after every line, and only ASCII.
    ///
    /// - Throws: `MailError` if a value would break out of its header field.
    func message() throws -> String {
        let fields = try [
            MailField("From", from.description),
            MailField("To", words: recipient),
            MailField("Subject", words: MailField.text(subject)),
            MailField("Date", MailDate(date: date).description),
            MailField("Message-ID", "<\(id)@\(from.domain)>"),
            MailField("MIME-Version", "1.0"),
            MailField("Content-Type", "text/plain; charset=utf-8"),
            MailField("Content-Transfer-Encoding", isPlain ? "7bit" : "base64"),
        ]
        return fields.map { "\($0.line)\r\n" }.joined() + "\r\n" + body
    }

    private var recipient: [String] {
        get throws {
            guard let name else { return [to.description] }
            return try MailField.phrase(name) + ["<\(to)>"]
        }
    }

    private var lines: [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Whether the mail can contain the text unencoded: ASCII in short lines.
    private var isPlain: Bool {
        lines.allSatisfy { line in
            line.utf8.count <= 76 && line.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        }
    }

    private var body: String {
        let text = lines.joined(separator: "\r\n") + "\r\n"
        if isPlain { return text }
        return Data(text.utf8).base64EncodedString(options: [.lineLength76Characters]) + "\r\n"
    }
}
