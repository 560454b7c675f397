internal import Linux
internal import Logging

/// How often connections ended otherwise than they should, or could not begin, by reason.
final class EndCounts: Sendable {
    private let counts = Lock<[String: Int]>([:])

    /// - Parameter reason: one of few texts, without values that a peer chooses.
    func count(_ reason: String) {
        counts.withLock { $0[reason, default: 0] += 1 }
    }

    /// Logs what has been counted since the last call: a flood is one line, not thousands.
    ///
    /// - Returns: whether there was anything.
    @discardableResult
    func log(to logger: Logger) -> Bool {
        let counted = counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
        for (reason, count) in counted.sorted(by: { $0.key < $1.key }) {
            logger.warning("connections failed", metadata: ["reason": "\(reason)", "count": "\(count)"])
        }
        return !counted.isEmpty
    }
}
