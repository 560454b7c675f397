package import FoundationEssentials

/// A record without what may be large.
package struct RecordSummary: Sendable, Equatable {
    /// Later records have larger numbers.
    package var number: Int64
    package var id: RecordID
    package var request: String
    /// Its place among its request's records.
    package var position: Int
    package var name: String
    package var priority: RecordPriority
    package var state: RecordState
    package var added: Date
    /// When its next attempt may begin.
    package var due: Date
    package var expires: Date?
    package var uniqueKey: String?
    /// The process that has it, while one has.
    package var owner: Int64?
    /// Those that have begun.
    package var attempts: Int
    package var started: Date?
    package var ended: Date?
    /// The broker's queue that it is for.
    package var queue: String?
    /// Of the last attempt that failed.
    package var error: String?
    /// The request's route; empty if there was none.
    package var route: String
    /// How often its process has died while it ran.
    package var deaths = 0
}

/// A record as it stands in the task store.
@dynamicMemberLookup
package struct Record: Sendable, Equatable {
    package var summary: RecordSummary
    /// JSON text, as it was given.
    package var payload: Data
    /// JSON text.
    package var result: Data?
    /// Whether those after it in its request become dead letters if it does not succeed.
    package var stopsOnFailure: Bool
    /// The record that has not succeeded, and has made a dead letter of this one.
    package var stoppedBy: RecordID?

    package subscript<Value>(dynamicMember path: KeyPath<RecordSummary, Value>) -> Value {
        summary[keyPath: path]
    }
}

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

/// Which of the records that are due come first.
package enum RecordPriority: Int64, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    case high, normal, low

    package init?(_ text: String) {
        guard let priority = Self.allCases.first(where: { $0.description == text }) else { return nil }
        self = priority
    }

    package var description: String {
        switch self {
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }

    package static func < (left: RecordPriority, right: RecordPriority) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// How an attempt of a record has ended, or why there is none.
package enum RecordEnd: Sendable {
    /// - result: JSON text.
    case done(result: Data?)
    /// Another attempt follows, by the process that claims it then.
    case again(error: String, at: Date)
    /// Another attempt follows, by the process that has it.
    case retrying(error: String)
    /// It becomes a dead letter.
    case failed(error: String)
    /// It becomes a dead letter because one before it has not succeeded: that one's id, if it is in the task store.
    case stopped(by: RecordID?, error: String)
    case expired
    case discarded
    /// It goes to a broker's queue, with the same id.
    case moved(queue: String, reason: String?)
    /// It was not begun, or not finished, and is for the process that claims it.
    case left
}
