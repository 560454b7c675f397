import FoundationEssentials

/// An upload and its results, as stored and as clients see it.
struct Upload: Codable, Sendable {
    enum Status: String, Codable {
        /// Its tasks have not finished yet.
        case pending
        case done
        /// One of its tasks has failed: `error` says why.
        case failed
    }

    var id = UUID()
    var title: String
    var filename: String
    /// In bytes.
    var size: Int
    var status = Status.pending
    /// In hexadecimal digits.
    var sha256: String?
    /// The thumbnail's path.
    var thumbnail: String?
    var error: String?

    var path: String { "/uploads/\(id.uuidString.lowercased())" }
}
