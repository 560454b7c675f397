package import FoundationEssentials

/// A record without its payload and result, which may be large.
package struct RecordSummary: Sendable, Equatable {
    /// Later records have larger numbers.
    package var number: Int64
    package var id: RecordID
    package var request: String
    /// The record's position among the records of its request, from 0.
    package var position: Int
    package var name: String
    package var priority: RecordPriority
    package var state: RecordState
    package var added: Date
    /// The earliest time of the next attempt.
    package var due: Date
    package var expires: Date?
    package var uniqueKey: String?
    /// The process that has claimed the record; nil if none has.
    package var owner: Int64?
    /// The number of attempts that have begun, including attempts to publish the record.
    package var attempts: Int
    package var started: Date?
    package var ended: Date?
    /// The broker's queue to which the record is published; nil for a record that runs here.
    package var queue: String?
    /// The error of the last attempt that failed.
    package var error: String?
    /// The request's route; empty if there was none.
    package var route: String
    /// How often a process has died while it ran the record.
    package var deaths: Int
    /// Whether it is set aside because it is paused.
    package var isPaused = false
    /// How far it has come; nil if it has not reported that.
    package var progress: RecordProgress?
    /// The key of the records that share a limit with this one; nil for a record without a limit.
    package var limitKey: String?

    package init(
        number: Int64, id: RecordID, request: String, position: Int, name: String, priority: RecordPriority,
        state: RecordState, added: Date, due: Date, expires: Date?, uniqueKey: String?, owner: Int64?,
        attempts: Int, started: Date?, ended: Date?, queue: String?, error: String?, route: String,
        deaths: Int, progress: RecordProgress? = nil
    ) {
        self.number = number
        self.id = id
        self.request = request
        self.position = position
        self.name = name
        self.priority = priority
        self.state = state
        self.added = added
        self.due = due
        self.expires = expires
        self.uniqueKey = uniqueKey
        self.owner = owner
        self.attempts = attempts
        self.started = started
        self.ended = ended
        self.queue = queue
        self.error = error
        self.route = route
        self.deaths = deaths
        self.progress = progress
    }
}

/// A row of the task store.
@dynamicMemberLookup
package struct Record: Sendable, Equatable {
    package var summary: RecordSummary
    /// JSON text, unchanged.
    package var payload: Data
    /// The result as JSON text.
    package var result: Data?
    /// Whether the later records of the request become dead letters if this one does not succeed.
    package var stopsOnFailure: Bool
    /// The record whose failure has made this one a dead letter.
    package var stoppedBy: RecordID?
    /// The number of the payload's shape; nil if it is not known.
    package var shape: Int64?

    package init(
        summary: RecordSummary, payload: Data, result: Data?, stopsOnFailure: Bool, stoppedBy: RecordID?
    ) {
        self.summary = summary
        self.payload = payload
        self.result = result
        self.stopsOnFailure = stopsOnFailure
        self.stoppedBy = stoppedBy
    }

    package subscript<Value>(dynamicMember path: KeyPath<RecordSummary, Value>) -> Value {
        summary[keyPath: path]
    }
}

/// Why the later records of a request do not run, if one of them stops the others on failure.
package enum StopReason: Sendable {
    case failed, expired, discarded, cancelled
    case moved(queue: String)

    /// Returns the error of a later record.
    ///
    /// - Parameter record: the record that has stopped it.
    package func error(behind record: RecordSummary) -> String {
        "the task \(record.name) \(record.id) before it \(verb)"
    }

    /// What the record has done, as the end of the error.
    package var verb: String {
        switch self {
        case .failed: "has failed"
        case .expired: "has expired"
        case .discarded: "was discarded"
        case .cancelled: "was cancelled"
        case .moved(let queue): "has moved to the queue \(queue), which does not report its result"
        }
    }
}

/// The claimed records of one request. This process owns them, and runs them in this order.
package struct ClaimedRequest: Sendable, Equatable {
    /// The request's id.
    package var id: String
    package var route: String
    package var records: [Record]

    package init(id: String, route: String, records: [Record]) {
        self.id = id
        self.route = route
        self.records = records
    }
}

/// The state of a record. The raw values are those in the task store.
package enum RecordState: Int64, Sendable, CaseIterable, CustomStringConvertible {
    /// It is to run: at once, when it is due, or after the records before it.
    case waiting = 0
    case running = 1
    case done = 2
    /// A dead letter: its attempts are exhausted, or it failed for good.
    case failed = 3
    /// It expired before it ran.
    case expired = 4
    /// It was discarded on request.
    case discarded = 5
    /// It is in the outbox, to be published.
    case outgoing = 6
    /// A broker has accepted it.
    case published = 7
    /// It was cancelled on request.
    case cancelled = 8

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
        case .cancelled: "cancelled"
        }
    }

    /// Whether the record is over: it does not change any more, unless it is retried on request.
    package var isOver: Bool {
        switch self {
        case .waiting, .running, .outgoing: false
        case .done, .failed, .expired, .discarded, .published, .cancelled: true
        }
    }
}

/// The order in which due records are claimed.
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
    /// - adding: records that are stored in the same transaction, each as the only one of its request. If the record was over
    ///   already, they are not stored.
    case done(result: Data?, adding: NewRequest? = nil)
    /// Another attempt follows, in the process that claims it then.
    case again(error: String, at: Date)
    /// Another attempt follows, in the process that owns it.
    case retrying(error: String)
    /// It becomes a dead letter.
    case failed(error: String)
    /// It becomes a dead letter because a record before it has not succeeded. The id is that of the record before it, if that
    /// is in the task store.
    case stopped(by: RecordID?, error: String)
    case expired
    case discarded
    /// It was cancelled on request, for this reason.
    case cancelled(reason: String)
    /// It discards itself, for a reason, and the later records of its request that depend on it are discarded with it.
    case abandoned(error: String)
    /// Another attempt follows at a time, and the one that ends does not count. Its expiry is forgotten, since it has begun.
    ///
    /// - isKept: whether the process that owns it makes that attempt. Otherwise the process that claims it then does.
    case postponed(until: Date, isKept: Bool)
    /// It moves to the outbox, to be published to a broker's queue with the same id.
    case moved(queue: String, reason: String?)
    /// It was not begun, or not finished: an attempt that has begun does not count. Any process may claim it.
    case released
    /// This program cannot read it, and a process of another version may claim it from a time on. The attempt does not count.
    case unreadable(error: String, at: Date)

    /// Whether the process that owns the record keeps it, for another attempt.
    package var isKept: Bool {
        switch self {
        case .retrying, .postponed(_, isKept: true): true
        default: false
        }
    }
}

extension Date {
    /// The milliseconds since 1970, as records contain them, clamped to the range of `Int64`.
    package var milliseconds: Int64 {
        let milliseconds = (timeIntervalSince1970 * 1000).rounded(.down)
        // NaN compares false.
        guard milliseconds > -9e18 else { return .min }
        return milliseconds < 9e18 ? Int64(milliseconds) : .max
    }

    package init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
