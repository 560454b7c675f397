internal import FoundationEssentials
internal import Postlude
internal import PostludeManifest
internal import PostludeTaskStore

extension DurableTaskKind {
    /// The payload of the task that has these values.
    ///
    /// - Throws: the decoding error of arguments that do not fit the kind.
    func payload(of arguments: Manifest.Value) throws -> Data {
        try StoredValues.encode(decode(Data(arguments.json.utf8)))
    }

    /// A new task, as the policy wants it.
    ///
    /// - Parameters:
    ///   - payload: the task as JSON.
    ///   - expiry: nil for the policy's, as `priority`.
    func record(_ payload: Data, at now: Date, expiry: Duration? = nil, priority: DurablePriority? = nil)
        -> NewRecord
    {
        var record = NewRecord(name: name, payload: payload)
        record.id = RecordID.make(at: Int64(now.timeIntervalSince1970 * 1000))
        record.expires = (expiry ?? policy.expiry).map(now.advanced(by:))
        record.priority = RecordPriority(priority ?? policy.priority)
        record.queue = policy.runs.queue
        return record
    }
}

extension RecordPriority {
    init(_ priority: DurablePriority) {
        self =
            switch priority {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension Date {
    func advanced(by duration: Duration) -> Date {
        addingTimeInterval(
            Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18)
    }
}
