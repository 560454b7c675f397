internal import FastCGI
internal import Logging
internal import Synchronization

/// How often connections ended otherwise than they should, by reason.
final class EndCounts: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func count(_ end: ConnectionEnd) {
        counts.withLock { $0[end.label, default: 0] += 1 }
    }

    /// Logs what has been counted since the last call: a flood is one line, not thousands.
    func log(to logger: Logger) {
        let counted = counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
        for (reason, count) in counted.sorted(by: { $0.key < $1.key }) {
            logger.warning("connections ended early", metadata: ["reason": "\(reason)", "count": "\(count)"])
        }
    }
}
