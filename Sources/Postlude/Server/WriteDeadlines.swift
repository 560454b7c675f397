internal import PostludeFastCGI
internal import PostludeSystem

/// The write deadlines of all workers.
final class WriteDeadlines: Sendable {
    private let all = Lock<[WriteDeadline]>([])

    func add() -> WriteDeadline {
        let deadline = WriteDeadline()
        all.withLock { $0.append(deadline) }
        return deadline
    }

    func remove(_ deadline: WriteDeadline) {
        all.withLock { $0.removeAll { $0 === deadline } }
    }

    /// Ends the writes that are past their deadline.
    ///
    /// - Returns: the number of these writes.
    func expire(at now: MonotonicTime) -> Int {
        all.withLock { $0.reduce(0) { $0 + ($1.expire(at: now) ? 1 : 0) } }
    }
}
