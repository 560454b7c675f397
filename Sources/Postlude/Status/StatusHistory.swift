internal import DequeModule
internal import PostludeScoreboard
internal import PostludeSystem

/// The history of the last five minutes: one sample per second for the plots, and the counts of every five seconds, from
/// which the figures of the last minute and the last five minutes are computed.
struct StatusHistory: Sendable {
    /// The largest values since the start.
    struct Peaks: Sendable {
        var busy = 0
        var listenQueue = 0
    }

    /// The number of samples: one per second for five minutes.
    static let capacity = 300
    private(set) var peaks = Peaks()
    private var ring: [StatusReport.Sample] = []
    private var next = 0
    /// The counts at intervals, the oldest first.
    private var marks = Deque<RecentCounts>()
    private var lastMark: Duration?
    /// Since which uptime all workers of a process that may run tasks are busy.
    private(set) var fullSince: [ProcessKey: Duration] = [:]
    /// The uptime of the sample that was the first with the last death of a process.
    private var lastDeath: Duration?
    private var deaths: UInt64?

    /// A process, whose slot on the scoreboard may be reused.
    struct ProcessKey: Sendable, Hashable {
        let index: Int
        let pid: Int

        init(_ process: ScoreboardSnapshot.Process) { (index, pid) = (process.index, process.pid) }
    }

    /// The interval between two marks. A span is at most this much longer than requested.
    static let markInterval: Duration = .seconds(5)

    /// The samples, the oldest first.
    var samples: [StatusReport.Sample] { Array(ring[next...] + ring[..<next]) }

    mutating func add(_ board: ScoreboardSnapshot, _ queue: ListenQueue?) {
        let busy = board.processes.reduce(0) { $0 + $1.workers.count { $0.state.isBusy } }
        peaks.busy = max(peaks.busy, busy)
        peaks.listenQueue = max(peaks.listenQueue, queue?.waiting ?? 0)
        mark(board)
        var full: [ProcessKey: Duration] = [:]
        for process in board.processes where process.hasNoFreeTaskWorker {
            let key = ProcessKey(process)
            full[key] = fullSince[key] ?? board.uptime
        }
        fullSince = full
        if let deaths, board.totals[.deaths] > deaths { lastDeath = board.uptime }
        deaths = board.totals[.deaths]
        let ended = board.totals[.tasksDone] &+ board.totals[.tasksFailed]
        let sample = StatusReport.Sample(
            time: board.uptime.seconds, requests: board.totals.requests, tasks: ended, busy: busy)
        guard ring.count == Self.capacity else { return ring.append(sample) }
        ring[next] = sample
        next = (next + 1) % Self.capacity
    }

    /// Returns the uptime at which the last death of a process was first seen, which may be that of `board`; nil if none has
    /// died since the first sample.
    func lastDeath(before board: ScoreboardSnapshot) -> Duration? {
        if let deaths, board.totals[.deaths] > deaths { return board.uptime }
        return lastDeath
    }

    private mutating func mark(_ board: ScoreboardSnapshot) {
        if let lastMark, board.uptime - lastMark < Self.markInterval { return }
        lastMark = board.uptime
        marks.append(RecentCounts(board))
        let needed = StatusReport.Span.fiveMinutes.duration / Self.markInterval
        while marks.count > Int(needed) + 2 { _ = marks.popFirst() }
    }

    /// Returns the counts of the span before `board`, or of the whole history if that is shorter.
    ///
    /// - Returns: nil before the first sample.
    func counts(of span: StatusReport.Span, before board: ScoreboardSnapshot) -> RecentCounts? {
        let earliest = board.uptime - span.duration
        return (marks.last { $0.time <= earliest } ?? marks.first).map { RecentCounts(board).since($0) }
    }
}

/// The counts up to a moment, or in a span of time, for percentiles and status codes.
struct RecentCounts: Sendable {
    /// The time since the start, or the length of the span.
    var time: Duration
    var requestTimes: LatencyHistogram
    var requestTime: Duration
    var answers: RouteAnswers
    /// The number of processes that have died.
    var deaths: UInt64
    var tasks: [String: TaskTimes]

    struct TaskTimes: Sendable {
        var times: LatencyHistogram
        var time: Duration
    }

    init(_ board: ScoreboardSnapshot) {
        time = board.uptime
        requestTimes = board.totals.requestTimes
        requestTime = board.totals.requestTime
        answers = board.totals.answers
        deaths = board.totals[.deaths]
        tasks = board.totals.tasks.mapValues { TaskTimes(times: $0.times, time: $0.time) }
    }

    func since(_ earlier: RecentCounts) -> RecentCounts {
        var rest = self
        rest.time = max(.zero, time - earlier.time)
        rest.requestTimes = requestTimes.since(earlier.requestTimes)
        rest.requestTime = max(.zero, requestTime - earlier.requestTime)
        rest.answers = answers.since(earlier.answers)
        rest.deaths = deaths - min(earlier.deaths, deaths)
        for (name, before) in earlier.tasks {
            guard let now = tasks[name] else { continue }
            rest.tasks[name] = TaskTimes(
                times: now.times.since(before.times), time: max(.zero, now.time - before.time))
        }
        return rest
    }
}
