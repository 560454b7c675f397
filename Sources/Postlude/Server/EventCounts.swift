internal import Logging
internal import PostludeSystem

/// Counts, by reason, of events that may come in floods and are logged as totals: connections that failed or ended early,
/// and tasks that exceeded the limit.
final class EventCounts: Sendable {
    private let counts = Lock<[String: Int]>([:])
    private let message: Logger.Message

    /// - Parameter message: the message of each log line; the reason and the count are its metadata.
    init(_ message: Logger.Message = "connections failed") { self.message = message }

    /// - Parameter reason: one of a few fixed texts, without values that a peer chooses.
    func count(_ reason: String) {
        counts.withLock { $0[reason, default: 0] += 1 }
    }

    /// Logs the counts since the last call, one line per reason, so that a flood does not make thousands of lines.
    ///
    /// - Returns: whether anything was logged.
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
