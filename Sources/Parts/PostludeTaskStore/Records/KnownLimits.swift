internal import PostludeSystem

/// The limits that a process applies, and the records with a limit that it has claimed.
package final class KnownLimits: Sendable {
    private struct State {
        var limits: [RecordLimit] = []
        var claimed: [RecordID: RecordLimitKey] = [:]
        /// The records with a limit, or after one with a limit, that are this process's since they were stored. A claimed record is
        /// not one of them, also if it is claimed before its caller asks.
        var atOnce: Set<RecordID> = []
        var claims = 0
    }

    private let state = Lock(State())

    package init() {}

    /// Ordered by name, so that two processes take the locks of several names in the same order.
    package var limits: [RecordLimit] { state.withLock { $0.limits } }

    package func set(_ limits: [RecordLimit]) {
        state.withLock { $0.limits = limits.sorted { $0.name < $1.name } }
    }

    /// Returns whether the next claim begins with the records that have a limit. This alternates, so that neither these nor the
    /// others wait while a process has room for a few records only.
    package func takeTurn() -> Bool {
        state.withLock { state in
            state.claims &+= 1
            return state.claims % 2 == 1
        }
    }

    /// Notes the claimed records that have a limit.
    package func note(_ requests: [ClaimedRequest]) {
        state.withLock { state in
            for record in requests.lazy.flatMap(\.records) {
                guard let key = record.limitKey else { continue }
                state.claimed[record.id] = RecordLimitKey(name: record.name, key: key)
            }
        }
    }

    /// Notes the records that are this process's since they were stored, with the keys of those that have a limit.
    package func note(atOnce records: [(id: RecordID, key: RecordLimitKey?)]) {
        guard !records.isEmpty else { return }
        state.withLock { state in
            for record in records {
                state.atOnce.insert(record.id)
                if let key = record.key { state.claimed[record.id] = key }
            }
        }
    }

    /// Whether a record is this process's since it was stored. Called once for each.
    package func ownsAtOnce(_ id: RecordID) -> Bool {
        state.withLock { $0.atOnce.remove(id) != nil }
    }

    /// Forgets a record that was claimed and is over, or is not this process's any more.
    ///
    /// - Returns: its key; nil if it has none.
    package func end(_ id: RecordID) -> RecordLimitKey? {
        state.withLock { $0.claimed.isEmpty ? nil : $0.claimed.removeValue(forKey: id) }
    }
}
