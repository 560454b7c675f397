import CPostludeCurl
import FoundationEssentials
import Glibc
import Logging
import Postlude

/// A mail server, reached through libcurl.
struct SMTPServer: Sendable {
    private let url: String
    private let name: String
    private let needsTLS: Bool

    private static let connectSeconds = 10
    private static let transferSeconds = 30

    /// libcurl requires one call in a process, before any other: a `static let` guarantees that.
    private static let initialized = ccurl_global_init()

    init(url: String) throws {
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty,
            ["smtp", "smtps"].contains(parts.scheme)
        else {
            throw MailError(
                "SMTP_URL is not a URL such as smtp://127.0.0.1:1025 or smtps://user:password@host")
        }
        self.url = url
        // For messages: the URL without its password.
        name = parts.port.map { "\(host):\($0)" } ?? host
        // A password is never sent in the clear.
        needsTLS = parts.user != nil
    }

    /// - Throws: `MailError` with libcurl's message.
    func send(_ message: String, from sender: EmailAddress, to recipient: EmailAddress) throws {
        guard Self.initialized == CURLE_OK, let curl = curl_easy_init() else {
            throw MailError("libcurl could not be started")
        }
        defer { curl_easy_cleanup(curl) }
        guard let recipients = curl_slist_append(nil, "<\(recipient)>") else {
            throw MailError("libcurl has no memory for the recipient")
        }
        defer { curl_slist_free_all(recipients) }

        var bytes = Array(message.utf8)
        try bytes.withUnsafeMutableBytes { bytes in
            guard let file = fmemopen(bytes.baseAddress, bytes.count, "r") else {
                throw MailError("the mail could not be opened as a file: \(String(cString: strerror(errno)))")
            }
            defer { fclose(file) }
            try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { text in
                text.initialize(repeating: 0)
                guard let reason = text.baseAddress else { return }
                let security = needsTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE
                let options = [
                    ccurl_set_error_buffer(curl, reason),
                    ccurl_set_string(curl, CURLOPT_URL, url),
                    ccurl_set_string(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps"),
                    ccurl_set_long(curl, CURLOPT_USE_SSL, Int(security.rawValue)),
                    ccurl_set_string(curl, CURLOPT_MAIL_FROM, "<\(sender)>"),
                    ccurl_set_list(curl, CURLOPT_MAIL_RCPT, recipients),
                    ccurl_set_upload(curl, file, curl_off_t(bytes.count)),
                    // A time limit without a signal, because other threads are running.
                    ccurl_set_long(curl, CURLOPT_NOSIGNAL, 1),
                    ccurl_set_long(curl, CURLOPT_CONNECTTIMEOUT, Self.connectSeconds),
                    ccurl_set_long(curl, CURLOPT_TIMEOUT, Self.transferSeconds),
                ]
                let code = options.first { $0 != CURLE_OK } ?? curl_easy_perform(curl)
                guard code == CURLE_OK else {
                    let message = reason.pointee == 0 ? curl_easy_strerror(code) : UnsafePointer(reason)
                    let why = message.map { String(cString: $0) } ?? "error \(code.rawValue)"
                    throw MailError("\(name) did not accept the mail to \(recipient): \(why)")
                }
            }
        }
        Logger.current.info("mail to \(recipient) handed to \(name)")
    }
}
