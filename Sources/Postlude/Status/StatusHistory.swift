internal import Linux
internal import Scoreboard

/// The last minutes, one sample a second.
struct StatusHistory: Sendable {
    /// The most that was seen since the start.
    struct Peaks: Sendable {
        var busy = 0
        var listenQueue = 0
    }

    /// Five minutes.
    static let capacity = 300
    private(set) var peaks = Peaks()
    private var ring: [StatusReport.Sample] = []
    private var next = 0

    /// In order, the oldest one first.
    var samples: [StatusReport.Sample] { Array(ring[next...] + ring[..<next]) }

    mutating func add(_ board: ScoreboardSnapshot, _ queue: ListenQueue?) {
        let busy = board.processes.reduce(0) { $0 + $1.workers.count { $0.state.isBusy } }
        peaks.busy = max(peaks.busy, busy)
        peaks.listenQueue = max(peaks.listenQueue, queue?.waiting ?? 0)
        let ended = board.totals[.tasksDone] &+ board.totals[.tasksFailed]
        let sample = StatusReport.Sample(
            time: board.uptime.seconds, requests: board.totals.requests, tasks: ended, busy: busy)
        guard ring.count == Self.capacity else { return ring.append(sample) }
        ring[next] = sample
        next = (next + 1) % Self.capacity
    }
}
