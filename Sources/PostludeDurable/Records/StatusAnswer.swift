internal import FoundationEssentials
internal import Postlude

/// A task's status as clients see it.
struct StatusAnswer: Encodable {
    let id: String
    let name: String
    let state: DurableTaskStatus.State
    let attempts: Int
    let added: Date
    let due: Date
    let ended: Date?
    let error: String?
    let progress: DurableTaskStatus.Progress?
    /// True if the task has a result that is too long for an event; otherwise nil.
    var hasLongResult: Bool?
    private let result: Data?

    init(_ status: DurableTaskStatus, _ showsErrors: Bool) {
        id = status.id
        name = status.name
        state = status.state
        attempts = status.attempts
        added = status.added
        due = status.due
        ended = status.ended
        error = showsErrors ? status.error : nil
        progress = status.progress
        result = status.json
    }

    private enum CodingKeys: CodingKey {
        case id, name, state, attempts, added, due, ended, error, progress, hasLongResult
    }

    func json() throws -> [UInt8] {
        var text = try JSONFormat.current.encode(self)
        if let result {
            // The result is JSON already, and is inserted unchanged.
            text.removeLast()
            text += Array(#","result":"#.utf8) + Array(result) + [UInt8(ascii: "}")]
        }
        return text
    }
}
