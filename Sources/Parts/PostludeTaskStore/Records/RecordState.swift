/// How far a record has come. The numbers stand in the file.
package enum RecordState: Int64, Sendable, CaseIterable, CustomStringConvertible {
    /// It is to run: at once, at its time, or when its owner comes to it.
    case waiting = 0
    case running = 1
    case done = 2
    /// A dead letter: its attempts are exhausted, or it failed for good.
    case failed = 3
    /// Its time was over before it ran.
    case expired = 4
    /// It was discarded on request.
    case discarded = 5
    /// It is in the outbox, to be published.
    case outgoing = 6
    /// A broker has it.
    case published = 7

    package init?(_ text: String) {
        guard let state = Self.allCases.first(where: { $0.description == text }) else { return nil }
        self = state
    }

    package var description: String {
        switch self {
        case .waiting: "waiting"
        case .running: "running"
        case .done: "done"
        case .failed: "failed"
        case .expired: "expired"
        case .discarded: "discarded"
        case .outgoing: "outgoing"
        case .published: "published"
        }
    }

    /// Whether nothing more happens to it here, unless it is retried on request.
    package var isOver: Bool {
        switch self {
        case .waiting, .running, .outgoing: false
        case .done, .failed, .expired, .discarded, .published: true
        }
    }
}
