package import FoundationEssentials

/// A durable task that is to be kept.
package struct NewRecord: Sendable {
    package var name: String
    /// JSON text; it is kept as it is.
    package var payload: Data
    /// nil for a new one.
    package var id: RecordID?
    package var priority = RecordPriority.normal
    /// It runs then or later; nil for at once. What is for a broker is published at once, and runs then.
    package var notBefore: Date?
    /// From then on it does not begin any more.
    package var expires: Date?
    /// Another record of this name with this key stands for this one, which is then not kept.
    package var uniqueKey: String?
    /// Which others those are.
    package var uniqueScope = UniqueKeyScope.unfinished
    /// A record that stands for this one if it is still there.
    package var standIn: RecordID?
    /// The queue of a broker to which it is to be published; nil for a task that runs here.
    package var queue: String?
    /// Whether it is published only when its turn comes, as a task that runs here would begin then.
    package var leavesInTurn = false
    /// Whether those after it in its request become dead letters if it does not succeed.
    package var stopsOnFailure = false

    package init(name: String, payload: Data) {
        self.name = name
        self.payload = payload
    }
}

/// The records of one request, in their order: all of them are kept, or none.
package struct NewRequest: Sendable {
    /// The request's id, for those who look; it need not be unique.
    package var id: String
    /// The request's, for those who look; empty if there was none.
    package var route: String
    package var records: [NewRecord]
    /// Whether the process that stores it also runs it when it is due. Otherwise the process that claims it does.
    package var runsHere = true

    package init(id: String, route: String = "", records: [NewRecord]) {
        self.id = id
        self.route = route
        self.records = records
    }
}

/// For how long a record holds its unique key.
package enum UniqueKeyScope: Sendable {
    /// Until it is over.
    case unfinished
    /// As long as it is in the task store.
    case kept
}

/// What became of one record that was to be kept.
package enum KeptRecord: Sendable, Equatable {
    case added(RecordID)
    /// One with the same unique key is there: it stands for this one too.
    case exists(Record)

    package var id: RecordID {
        switch self {
        case .added(let id): id
        case .exists(let record): record.id
        }
    }
}
