internal import Logging
internal import PostludeSystem

/// How often something happened that is to be known and may come in floods, by reason: connections that ended otherwise
/// than they should, or could not begin; tasks that were too many.
final class EventCounts: Sendable {
    private let counts = Lock<[String: Int]>([:])
    private let message: Logger.Message

    /// - Parameter message: what the log says of all of it.
    init(_ message: Logger.Message = "connections failed") { self.message = message }

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
            logger.warning(message, metadata: ["reason": "\(reason)", "count": "\(count)"])
        }
        return !counted.isEmpty
    }
}
