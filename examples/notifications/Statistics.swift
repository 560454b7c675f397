import Synchronization

/// Counts for the home page, shared by all workers of the process.
final class Statistics: Sendable {
    private let actionCount = Mutex(0)

    var actions: Int { actionCount.withLock { $0 } }

    func countAction() {
        let count = actionCount.withLock { count in
            count += 1
            return count
        }
        report("actions so far: \(count)")
    }
}

let statistics = Statistics()
