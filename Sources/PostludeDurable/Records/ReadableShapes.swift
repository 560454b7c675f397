internal import FoundationEssentials
internal import Logging
internal import PostludeSystem
internal import PostludeTaskStore

/// The shapes of stored tasks that this process has met, and whether it can read them.
///
/// While two versions of the program run, tasks that one of them cannot read are left to the other one. Only an attempt can find
/// out, since decoding runs the application's code, which can end the process: so it is known which task has ended it. When a
/// task of a new shape cannot be decoded, its shape is left for a while, unless others of the shape could be.
final class ReadableShapes: Sendable {
    private enum Readability {
        case untried
        case readable
        /// Left until a time; nil for as long as the process lives.
        case left(until: MonotonicTime?)
    }

    private struct Known {
        let shape: RecordShape
        var readability = Readability.untried
        var isReported = false
    }

    /// How long a shape is left after an attempt that has failed.
    private static let leavingTime = Duration.seconds(60)
    /// The delay of a task whose shape is left: other processes may read it.
    private static let shortDelay = Duration.seconds(5)
    /// The delay of a task that is unlike others of its shape. This process would claim it again and again.
    private static let longDelay = Duration.seconds(60)

    private let known = Lock<[Int64: Known]>([:])

    /// What a process does with a record.
    enum Decision {
        /// It makes an attempt; the payload is of this version.
        case attempt(version: Int)
        /// It leaves the record.
        case leave(RecordEnd)
    }

    /// Returns what to do with a claimed record, and logs the first one of a shape that is left.
    ///
    /// - Throws: an error if the shape cannot be looked up.
    func decision(
        on record: Record, _ kind: DurableTaskKind?, in store: any RecordStore, _ logger: Logger
    ) throws -> Decision {
        guard let number = record.shape, let shape = try shape(number, in: store) else {
            return .attempt(version: RecordShape.firstVersion)
        }
        var obstacle: String?
        if kind == nil { obstacle = "this program has no task of that name" }
        if let kind, shape.version > kind.version {
            obstacle = "it \(LaterVersion(version: shape.version, known: kind.version))"
        }
        guard let obstacle else {
            if let kind, shape == kind.shape { didRead(number) }
            return .attempt(version: shape.version)
        }
        leave(number, until: nil, in: store)
        report(record.summary, number, obstacle, logger)
        return .leave(end(obstacle, after: Self.shortDelay))
    }

    /// Sets the shapes that the store leaves.
    func apply(to store: any RecordStore) {
        let now = MonotonicTime.now
        let left = known.withLock { known in
            Set(
                known.compactMap { number, each -> Int64? in
                    guard case .left(let end) = each.readability, end.map({ now < $0 }) ?? true else {
                        return nil
                    }
                    return number
                })
        }
        store.leave(left)
    }

    /// Notes that a record could be decoded.
    func didRead(_ shape: Int64) { known.withLock { $0[shape]?.readability = .readable } }

    /// Notes that a record could not be decoded, and logs the first one of its shape.
    ///
    /// - Returns: what happens to the record.
    func didNotRead(
        _ record: RecordSummary, _ shape: Int64, _ error: String, in store: any RecordStore, _ logger: Logger
    ) -> RecordEnd {
        let isMixed = known.withLock { known in
            if case .readable? = known[shape]?.readability { true } else { false }
        }
        if isMixed {
            store.noteUnreadable(shape)
        } else {
            leave(shape, until: .now + Self.leavingTime, in: store)
        }
        report(record, shape, error, logger)
        return end(error, after: isMixed ? Self.longDelay : Self.shortDelay)
    }

    private func end(_ error: String, after delay: Duration) -> RecordEnd {
        .unreadable(error: error, at: Date().advanced(by: delay))
    }

    private func leave(_ number: Int64, until end: MonotonicTime?, in store: any RecordStore) {
        known.withLock { $0[number]?.readability = .left(until: end) }
        apply(to: store)
        store.noteUnreadable(number)
    }

    private func shape(_ number: Int64, in store: any RecordStore) throws -> RecordShape? {
        if let known = known.withLock({ $0[number] }) { return known.shape }
        guard let shape = try store.shape(number) else { return nil }
        known.withLock { if $0[number] == nil { $0[number] = Known(shape: shape) } }
        return shape
    }

    private func report(_ record: RecordSummary, _ number: Int64, _ reason: String, _ logger: Logger) {
        let isFirst = known.withLock { known in
            defer { known[number]?.isReported = true }
            return known[number]?.isReported == false
        }
        guard isFirst else { return }
        logger.error(
            "tasks that this program cannot read are left to another version of it",
            metadata: [
                "task": "\(record.name)", "shape": "\(number)", "id": "\(record.id)", "reason": "\(reason)",
            ])
    }
}
