internal import PostludeSystem
internal import PostludeTaskStore
internal import Synchronization

/// What this process knows about pauses and cancellations. A thread asks the task store, twice a second or when something has
/// changed; a task that is about to begin only reads what is known.
final class ControlFollower: Sendable {
    private let known = Lock(RecordControl())
    /// Whether anything is paused or cancelled: nearly always false, and read for each attempt.
    private let hasAny = Atomic<Bool>(false)

    var isActive: Bool { hasAny.load(ordering: .acquiring) }

    /// Asks the task store.
    ///
    /// - Parameter cancel: called with the ids of records that were cancelled since the last call.
    /// - Returns: what is paused and cancelled now; nil if that has not changed.
    @discardableResult
    func follow(
        _ taskStore: any RecordStore, cancel: (Set<String>) -> Void
    ) throws -> RecordControl? {
        let last = known.withLock { $0 }
        guard let next = try taskStore.control(after: last.stamp) else { return nil }
        known.withLock { $0 = next }
        hasAny.store(!next.isEmpty, ordering: .releasing)
        let added = Set(next.cancelled.keys).subtracting(last.cancelled.keys)
        if !added.isEmpty { cancel(Set(added.map(\.text))) }
        return next.paused == last.paused && next.cancelled == last.cancelled ? nil : next
    }

    /// Returns why a record is to end; nil if it was not cancelled.
    func cancellation(of id: RecordID) -> String? {
        isActive ? known.withLock { $0.cancelled[id] } : nil
    }

    func isPaused(_ id: RecordID, name: String, key: String?) -> Bool {
        isActive && known.withLock { $0.isPaused(id, name: name, key: key) }
    }
}
