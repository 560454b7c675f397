import FoundationEssentials
import GRDB

/// One access: a row of the table `access`. It has neither the client's address nor the query.
struct Access: Codable, Sendable {
    static let longestText = 200

    var time: Date
    var path: String
    var status: Int
    var userAgent: String?
    var milliseconds: Double

    /// The client sets path and user agent, which are truncated if they are long.
    init(time: Date, path: String, status: Int, userAgent: String?, milliseconds: Double) {
        self.time = time
        self.path = Self.cut(path)
        self.status = status
        self.userAgent = userAgent.map(Self.cut)
        self.milliseconds = milliseconds
    }

    private static func cut(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(longestText)))
    }
}

extension Access: FetchableRecord, PersistableRecord {
    static let databaseTableName = "access"

    enum CodingKeys: String, CodingKey {
        case time, path, status
        case userAgent = "user_agent"
        case milliseconds
    }

    // A number, so that SQL can compute the minute by a division.
    static func databaseDateEncodingStrategy(for column: String) -> DatabaseDateEncodingStrategy {
        .millisecondsSince1970
    }

    static func databaseDateDecodingStrategy(for column: String) -> DatabaseDateDecodingStrategy {
        .millisecondsSince1970
    }
}
