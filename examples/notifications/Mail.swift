import FoundationEssentials
import Postlude

/// A mail of plain text to one person.
struct Mail: Sendable {
    var from: EmailAddress
    var to: EmailAddress
    var name: String?
    var subject: String
    var text: String
    var date = MailDate()
    var id = UUID()

    /// The mail as RFC 5322 has it: CRLF after every line, and nothing but ASCII.
    ///
    /// - Throws: `MailError` when a value would break out of its header field.
    func message() throws -> String {
        let fields = try [
            MailField("From", from.description),
            MailField("To", words: recipient),
            MailField("Subject", words: MailField.text(subject)),
            MailField("Date", date.description),
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

    /// Whether the text can stand in the mail as it is: ASCII in short lines.
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
