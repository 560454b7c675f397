internal import DequeModule
internal import PostludeScoreboard
internal import PostludeSystem

/// What the status page remembers of the last five minutes: the counts of every five seconds, from which the figures of the
/// last minute and the last five minutes are computed, and the processor times of the processes.
struct StatusHistory: Sendable {
    /// The largest values since the start.
    struct Peaks: Sendable {
        var busy = 0
        var listenQueue = 0
    }

    private(set) var peaks = Peaks()
    /// The counts at intervals, the oldest first.
    private var marks = Deque<RecentCounts>()
    private var lastMark: Duration?
    /// Since which uptime all workers of a process that may run tasks are busy.
    private(set) var fullSince: [ProcessKey: Duration] = [:]
    /// The uptime of the sample that was the first with the last death of a process.
    private var lastDeath: Duration?
    private var deaths: UInt64?
    /// The processor times of the last minute, the oldest first.
    private var processorTimes: [ProcessKey: Deque<(uptime: Duration, time: Duration)>] = [:]

    /// A process, whose slot on the scoreboard may be reused.
    struct ProcessKey: Sendable, Hashable {
        let index: Int
        let pid: Int

        init(_ process: ScoreboardSnapshot.Process) { (index, pid) = (process.index, process.pid) }
    }

    /// The interval between two marks. A span is at most this much longer than requested.
    static let markInterval: Duration = .seconds(5)

    /// - Parameter usage: returns the memory and processor time of a process; called every five seconds.
    mutating func add(
        _ board: ScoreboardSnapshot, _ queue: ListenQueue?,
        usage: (ScoreboardSnapshot.Process) -> ProcessUsage? = { _ in nil }
    ) {
        let busy = board.processes.reduce(0) { $0 + $1.workers.count { $0.state.isBusy } }
        peaks.busy = max(peaks.busy, busy)
        peaks.listenQueue = max(peaks.listenQueue, queue?.waiting ?? 0)
        mark(board, usage)
        var full: [ProcessKey: Duration] = [:]
        for process in board.processes where process.hasNoFreeTaskWorker {
            let key = ProcessKey(process)
            full[key] = fullSince[key] ?? board.uptime
        }
        fullSince = full
        if let deaths, board.totals[.deaths] > deaths { lastDeath = board.uptime }
        deaths = board.totals[.deaths]
    }

    /// Returns the processor time of the last minute, or since the first sample if that is shorter, as a share of one core.
    ///
    /// - Parameter time: the processor time of the process until now.
    func processorShare(of process: ProcessKey, _ time: Duration, at uptime: Duration) -> Double? {
        guard let first = processorTimes[process]?.first, uptime - first.uptime >= .seconds(1) else {
            return nil
        }
        return max(0, (time - first.time).seconds / (uptime - first.uptime).seconds)
    }

    /// Returns the uptime at which the last death of a process was first seen, which may be that of `board`; nil if none has
    /// died since the first sample.
    func lastDeath(before board: ScoreboardSnapshot) -> Duration? {
        if let deaths, board.totals[.deaths] > deaths { return board.uptime }
        return lastDeath
    }

    private mutating func mark(
        _ board: ScoreboardSnapshot, _ usage: (ScoreboardSnapshot.Process) -> ProcessUsage?
    ) {
        if let lastMark, board.uptime - lastMark < Self.markInterval { return }
        lastMark = board.uptime
        marks.append(RecentCounts(board))
        let needed = StatusReport.Span.fiveMinutes.duration / Self.markInterval
        while marks.count > Int(needed) + 2 { _ = marks.popFirst() }
        var times: [ProcessKey: Deque<(uptime: Duration, time: Duration)>] = [:]
        for process in board.processes {
            guard let time = usage(process)?.processorTime else { continue }
            let key = ProcessKey(process)
            var known = processorTimes[key] ?? []
            known.append((board.uptime, time))
            while let second = known.dropFirst().first, board.uptime - second.uptime >= .seconds(60) {
                _ = known.popFirst()
            }
            times[key] = known
        }
        processorTimes = times
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
    var requestWaits: Waits
    var tasks: [String: TaskKind]
    var routes: [String: RouteCounts]

    init(_ board: ScoreboardSnapshot) {
        time = board.uptime
        requestTimes = board.totals.requestTimes
        requestTime = board.totals.requestTime
        answers = board.totals.answers
        deaths = board.totals[.deaths]
        requestWaits = board.totals.requestWaits
        (tasks, routes) = (board.totals.tasks, board.totals.routes)
    }

    func since(_ earlier: RecentCounts) -> RecentCounts {
        var rest = self
        rest.time = max(.zero, time - earlier.time)
        rest.requestTimes = requestTimes.since(earlier.requestTimes)
        rest.requestTime = max(.zero, requestTime - earlier.requestTime)
        rest.answers = answers.since(earlier.answers)
        rest.deaths = deaths - min(earlier.deaths, deaths)
        rest.requestWaits = requestWaits.since(earlier.requestWaits)
        for (name, before) in earlier.tasks { rest.tasks[name] = tasks[name]?.since(before) }
        for (name, before) in earlier.routes { rest.routes[name] = routes[name]?.since(before) }
        return rest
    }
}
