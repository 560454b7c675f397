internal import PostludeScoreboard
internal import PostludeSystem

/// The last minutes: one sample a second for the plots, and what was counted every few seconds, from which the figures of
/// the last minute and of the last five follow.
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
    /// The oldest one first.
    private var marks = FIFO<RecentCounts>()
    private var lastMark: Duration?

    /// Between two marks: a span is longer than asked for by so much at most.
    static let markInterval: Duration = .seconds(5)

    /// In order, the oldest one first.
    var samples: [StatusReport.Sample] { Array(ring[next...] + ring[..<next]) }

    mutating func add(_ board: ScoreboardSnapshot, _ queue: ListenQueue?) {
        let busy = board.processes.reduce(0) { $0 + $1.workers.count { $0.state.isBusy } }
        peaks.busy = max(peaks.busy, busy)
        peaks.listenQueue = max(peaks.listenQueue, queue?.waiting ?? 0)
        mark(board)
        let ended = board.totals[.tasksDone] &+ board.totals[.tasksFailed]
        let sample = StatusReport.Sample(
            time: board.uptime.seconds, requests: board.totals.requests, tasks: ended, busy: busy)
        guard ring.count == Self.capacity else { return ring.append(sample) }
        ring[next] = sample
        next = (next + 1) % Self.capacity
    }

    private mutating func mark(_ board: ScoreboardSnapshot) {
        if let lastMark, board.uptime - lastMark < Self.markInterval { return }
        lastMark = board.uptime
        marks.append(RecentCounts(board))
        let needed = StatusReport.Span.fiveMinutes.duration / Self.markInterval
        while marks.count > Int(needed) + 2 { _ = marks.popFirst() }
    }

    /// What was counted in the span before `board`; since the history began where that is shorter.
    ///
    /// - Returns: nil before the first sample.
    func counts(of span: StatusReport.Span, before board: ScoreboardSnapshot) -> RecentCounts? {
        let marks = marks.elements
        let earliest = board.uptime - span.duration
        return (marks.last { $0.time <= earliest } ?? marks.first).map { RecentCounts(board).since($0) }
    }
}

/// What has been counted up to a moment, or in a span of time, as far as percentiles and status codes need it.
struct RecentCounts: Sendable {
    /// Since the start; or how long the span is.
    var time: Duration
    var requestTimes: LatencyHistogram
    var requestTime: Duration
    var answers: RouteAnswers
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
        tasks = board.totals.tasks.mapValues { TaskTimes(times: $0.times, time: $0.time) }
    }

    func since(_ earlier: RecentCounts) -> RecentCounts {
        var rest = self
        rest.time = max(.zero, time - earlier.time)
        rest.requestTimes = requestTimes.since(earlier.requestTimes)
        rest.requestTime = max(.zero, requestTime - earlier.requestTime)
        rest.answers = answers.since(earlier.answers)
        for (name, before) in earlier.tasks {
            guard let now = tasks[name] else { continue }
            rest.tasks[name] = TaskTimes(
                times: now.times.since(before.times), time: max(.zero, now.time - before.time))
        }
        return rest
    }
}
