package import FoundationEssentials

/// A durable task that is to be kept.
package struct NewRecord: Sendable {
    package var name: String
    /// JSON text; it is kept as it is.
    package var payload: Data
    /// nil for a new one.
    package var id: RecordID?
    package var lane = Lane.normal
    /// It runs then or later; nil for at once. What is for a broker is published at once, and runs then.
    package var notBefore: Date?
    /// From then on it does not begin any more.
    package var expires: Date?
    /// No other record of this name with this key is kept until this one is over.
    package var uniqueKey: String?
    /// The queue of a broker to which it is to be published; nil for a task that runs here.
    package var queue: String?

    package init(name: String, payload: Data) {
        self.name = name
        self.payload = payload
    }
}

/// The records of one request, in their order: all of them are kept, or none.
package struct NewRequest: Sendable {
    /// The request's id, for those who look; it need not be unique.
    package var id: String
    /// The request's, for those who look; empty where there was none.
    package var route: String
    package var records: [NewRecord]
    /// Whether the process that keeps it also runs what is due. Else whoever claims it does.
    package var runsHere = true

    package init(id: String, route: String = "", records: [NewRecord]) {
        self.id = id
        self.route = route
        self.records = records
    }
}

/// What became of one record that was to be kept.
package enum KeptRecord: Sendable, Equatable {
    case added(RecordID)
    /// One with the same unique key is not over: it stands for this one too.
    case exists(RecordID)

    package var id: RecordID {
        switch self {
        case .added(let id), .exists(let id): id
        }
    }
}
