internal import CPostludePostgreSQL
internal import PostludeTaskStore

/// The address of a database, as libpq takes it: a URL, or `keyword=value` pairs.
struct PostgreSQLAddress: Sendable {
    /// As it was given, possibly with a password.
    let text: String
    /// The address without its password, as logs and pages show it.
    let place: String

    init(_ text: String) throws(TaskStoreError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            // libpq's message may contain a part of the text, and thus of a password.
            PQfreemem(message)
            throw TaskStoreError(
                .refused, "the task store", "its address is not one of PostgreSQL",
                advice: "write it like postgresql://user@host/database")
        }
        defer { PQconninfoFree(options) }
        self.text = text
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        place = Self.place(values)
    }

    private static func place(_ values: [String: String]) -> String {
        if values["host"] == nil, values["hostaddr"] == nil, let service = values["service"] {
            return "postgresql:service=\(service)"
        }
        let user = values["user"].map { "\($0)@" } ?? ""
        let hosts = (values["host"] ?? values["hostaddr"] ?? "").split(
            separator: ",", omittingEmptySubsequences: false)
        let ports = (values["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let names = hosts.enumerated().map { index, host in
            let port = index < ports.count ? ports[index] : ports.last ?? ""
            // As in libpq's URLs: the path of a socket's folder is percent-encoded.
            let name = host.replacing("/", with: "%2F")
            return port.isEmpty ? name : "\(name):\(port)"
        }
        return "postgresql://\(user)\(names.joined(separator: ","))/\(values["dbname"] ?? "")"
    }

    /// Whether a text is meant as an address of PostgreSQL, and not as a file's path.
    static func matches(_ text: String) -> Bool {
        text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
            || isKeyword(text.prefix { $0 != "=" }, of: text)
    }

    private static func isKeyword(_ word: Substring, of text: String) -> Bool {
        word.endIndex < text.endIndex && !word.isEmpty
            && word.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_")
            }
    }

    /// The version of the linked libpq, such as `15.18`.
    static var libraryVersion: String {
        let number = PQlibVersion()
        return "\(number / 10_000).\(number % 10_000)"
    }
}
