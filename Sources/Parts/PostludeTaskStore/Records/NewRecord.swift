package import FoundationEssentials
internal import PostludeSystem

/// A record that is to be stored.
package struct NewRecord: Sendable {
    package var name: String
    /// JSON text, which is stored unchanged.
    package var payload: Data
    /// The form of the payload; nil if it is not known. The store keeps it if it is registered.
    package var shape: RecordShape?
    /// The record's id; nil to make one.
    package var id: RecordID?
    package var priority = RecordPriority.normal
    /// The earliest time at which the task runs; nil for at once. A record for a broker is published at once, and the time
    /// is sent with it.
    package var notBefore: Date?
    /// The time after which the task does not begin; nil for none.
    package var expires: Date?
    /// The unique key. If another record of this name has the same key, this record is not stored, and the other one stands
    /// for it.
    package var uniqueKey: String?
    /// How long another record holds the key.
    package var uniqueScope = UniqueKeyScope.unfinished
    /// The queue of a broker to which the record is to be published; nil for a task that runs here.
    package var queue: String?
    /// Whether the record is published only in its turn: at the time at which a task that runs here would begin.
    package var leavesInTurn = false
    /// Whether the later records of the request become dead letters if this one does not succeed.
    package var stopsOnFailure = false
    /// The key of the records that share a limit with this one; nil for a record without a limit.
    package var limitKey: String?
    /// Whether it follows a record of its request with a limit that stops the others on failure.
    package var followsLimited = false

    /// Whether it may have to wait because of a limit, though it is due.
    package var maybeWaits: Bool { limitKey != nil || followsLimited }
    /// Whether a process must claim it, unless its limit allows that the process that stores it owns it at once.
    package var mustBeClaimed: Bool { notBefore != nil || maybeWaits }

    package init(name: String, payload: Data) {
        self.name = name
        self.payload = payload
    }
}

/// The records of one request, in their order. Either all of them are stored or none.
package struct NewRequest: Sendable {
    /// The request's id, for display. It need not be unique.
    package var id: String
    /// The request's route, for display; empty if there was none.
    package var route: String
    package var records: [NewRecord]
    /// Whether the process that stores the records also runs them when they are due. Otherwise the process that claims them
    /// does.
    package var runsHere = true
    /// The answer that is stored with the records, of which there may be none.
    package var answer: NewAnswer?

    package init(id: String, route: String = "", records: [NewRecord]) {
        self.id = id
        self.route = route
        self.records = records
    }
}

extension NewRequest {
    /// The records, each as the only one of a request that no process has.
    package var separated: [NewRequest] {
        records.map { record in
            var request = NewRequest(id: id, route: route, records: [record])
            request.runsHere = false
            return request
        }
    }
}

extension NewRecord {
    /// Returns until when the record is kept because of its unique key, in milliseconds; nil if that does not keep it.
    ///
    /// - Parameter now: milliseconds since 1970.
    package func uniqueUntil(addedAt now: Int64) -> Int64? {
        guard uniqueKey != nil, case .within(let window) = uniqueScope else { return nil }
        return now + Self.milliseconds(of: window)
    }

    /// Returns the length of a window, of at most a century, so that times can be computed with it.
    fileprivate static func milliseconds(of window: Duration) -> Int64 {
        min(max(window, .zero), .seconds(100 * 366 * 86_400)).saturatedNanoseconds / 1_000_000
    }
}

extension Record {
    /// Whether the record, which has the key of a new one, stands for it.
    ///
    /// - Parameter now: milliseconds since 1970.
    package func stands(for scope: UniqueKeyScope, at now: Int64) -> Bool {
        switch scope {
        case .unfinished: !summary.state.isOver
        case .stored: true
        case .within(let window):
            !summary.state.isOver || summary.added.milliseconds > now - NewRecord.milliseconds(of: window)
        }
    }
}

/// How long a record holds its unique key.
package enum UniqueKeyScope: Sendable, Hashable {
    /// Until it is over.
    case unfinished
    /// As long as it is in the task store.
    case stored
    /// Until it is over, and for this time after it was added.
    case within(Duration)
}

/// The result of storing one record.
package enum AppendResult: Sendable, Equatable {
    case added(RecordID)
    /// A record with the same unique key exists, and stands for the new one.
    case exists(Record)

    package var id: RecordID {
        switch self {
        case .added(let id): id
        case .exists(let record): record.id
        }
    }
}
