import FoundationEssentials
import PostludeDurable

/// An upload: as it is stored, and, with its results, as clients see it.
struct Upload: Codable, Sendable {
    enum Status: String, Codable {
        /// Its tasks are not over.
        case pending
        case done
        /// There is no checksum or no thumbnail: `error` says why.
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

    static func path(of id: UUID) -> String { "/uploads/\(id.uuidString.lowercased())" }

    /// The unique key of its tasks.
    var key: String { id.uuidString }

    /// Adds what its tasks have made so far.
    mutating func add(_ checksum: DurableTaskStatus, _ thumbnail: DurableTaskStatus) throws {
        sha256 = try checksum.result()
        let outcome = try thumbnail.result(as: MakeThumbnail.Outcome.self)
        self.thumbnail = outcome?.thumbnail
        error = outcome?.error
        let states = [checksum.state, thumbnail.state]
        if states.contains(where: { $0.isOver && $0 != .done }) {
            error = "The server could not work on the file"
        }
        status = error != nil ? .failed : states.allSatisfy(\.isOver) ? .done : .pending
    }
}
