package import Foundation
package import PostludeTaskStore

extension NewRecord {
    package static func make(
        _ name: String = "charge", _ change: (inout NewRecord) -> Void = { _ in }
    ) -> NewRecord {
        var record = NewRecord(name: name, payload: Data("{}".utf8))
        change(&record)
        return record
    }
}

extension AppendResult {
    /// The record that stands for it.
    package var existing: Record? { if case .exists(let record) = self { record } else { nil } }
}

extension RecordStore {
    /// Appends one request, and returns its records' ids.
    package func append(
        _ request: String = "r", _ records: NewRecord..., runsHere: Bool = true
    ) throws -> [RecordID] {
        var new = NewRequest(id: request, records: records)
        new.runsHere = runsHere
        return try append(new).map(\.id)
    }

    package func claim(_ limit: Int = 64) throws(TaskStoreError) -> [ClaimedRequest] {
        try claim(limit, takingSuspect: true)
    }

    package func claimedIDs(_ limit: Int = 64) throws -> [[RecordID]] {
        try claim(limit).map { $0.records.map(\.id) }
    }

    package func nextDue() throws(TaskStoreError) -> Date? { try nextDue(takingSuspect: true) }

    package func state(of id: RecordID) throws -> RecordState? {
        try flush()
        return try record(id)?.state
    }

    package func counts() throws(TaskStoreError) -> TaskStoreCounts { try counts(of: RecordState.allCases) }

    /// Lists records, newest first.
    package func list(
        _ filter: RecordFilter = RecordFilter(), after: Int64? = nil, limit: Int = 50
    ) throws(TaskStoreError) -> RecordPage {
        try list(filter, .newestFirst, after: after, limit: limit)
    }

    package func removeOver(
        endedBefore time: Date, failedBefore failedTime: Date
    ) throws(TaskStoreError) -> Int {
        try removeOver(endedBefore: time, failedBefore: failedTime, limit: 200)
    }

    package func export(_ write: (String) throws -> Void) throws { try export(RecordFilter(), write) }
}

extension RecordPublisher {
    package func next() throws(TaskStoreError) -> [Record] { try next(64) }
}

/// The error that a body throws.
package func taskStoreError(_ body: () throws -> Void) -> TaskStoreError? {
    do {
        try body()
    } catch {
        return error as? TaskStoreError
    }
    return nil
}

/// Runs blocking code on a thread of its own.
package func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}
