package import FoundationEssentials

/// What a program needs to know about a record to decode its payload.
package struct RecordContent: Sendable, Equatable {
    /// The states of the records that a program may still have to decode: dead letters may be retried.
    package static let states: Set<RecordState> = [.waiting, .running, .outgoing, .failed]

    package var id: RecordID
    package var name: String
    /// Whether the record is to be published to a broker's queue.
    package var isForQueue: Bool
    /// How often a process has died while it ran the record.
    package var deaths: Int
    /// The version of its shape.
    package var version: Int
    /// JSON text, unchanged.
    package var payload: Data

    package init(
        id: RecordID, name: String, isForQueue: Bool, deaths: Int, version: Int?, payload: Data
    ) {
        self.id = id
        self.name = name
        self.isForQueue = isForQueue
        self.deaths = deaths
        self.version = version ?? RecordShape.firstVersion
        self.payload = payload
    }
}
