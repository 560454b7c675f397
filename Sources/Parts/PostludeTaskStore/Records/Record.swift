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
