internal import PostludeScoreboard
internal import PostludeSystem

/// Writes the history: turns the counts of a scoreboard, read each second, into the rows of seconds and minutes.
///
/// Requests and tasks only count, as they do for the totals; the differences, the percentiles and the rows cost them nothing.
struct HistoryRecorder: Sendable {
    /// The counts at a moment, and the largest values since an earlier one.
    private struct Start {
        var time: Int
        var uptime: Duration
        var totals: ScoreboardSnapshot.Totals
        var replaced: Int
        var busyWorkers = 0
        var workers = 0

        init(_ board: ScoreboardSnapshot, at time: Int) {
            (self.time, uptime, totals, replaced) = (time, board.uptime, board.totals, board.replaced)
        }
    }

    private let program: Int
    private var second: Start
    private var minute: Start

    /// Begins to write the history of a scoreboard.
    ///
    /// - Parameter time: the time of `board`, in seconds since 1970.
    init(_ scoreboard: Scoreboard, _ board: ScoreboardSnapshot, at time: Int) {
        program = scoreboard.beginHistory()
        second = Start(board, at: time)
        minute = second
    }

    /// Adds the second that ends with `board`, and adds it to its minute.
    mutating func record(_ board: ScoreboardSnapshot, at time: Int, in scoreboard: Scoreboard) {
        if second.time / 60 != minute.time / 60 { minute = second }
        let workers = board.processes.flatMap(\.workers)
        let busy = workers.count { $0.state.isBusy }
        second.busyWorkers = busy
        second.workers = workers.count
        minute.busyWorkers = max(minute.busyWorkers, busy)
        minute.workers = max(minute.workers, workers.count)
        scoreboard.add(second: row(from: second, to: board))
        var row = row(from: minute, to: board)
        row.time = minute.time / 60 * 60
        scoreboard.set(minute: row)
        second = Start(board, at: time)
    }

    private func row(from start: Start, to board: ScoreboardSnapshot) -> HistoryRow {
        let (before, now) = (start.totals, board.totals)
        var row = HistoryRow()
        row.time = start.time
        row.length = max(.zero, board.uptime - start.uptime)
        row.answers = now.answers.since(before.answers)
        row.requestTimes = Percentiles(now.requestTimes.since(before.requestTimes))
        row.requestWaits = Percentiles(now.requestWaits.times.since(before.requestWaits.times))
        row.taskWaits = Percentiles(now.tasks.waits.times.since(before.tasks.waits.times))
        for (outcome, counter) in TaskOutcome.counters {
            let count = now[counter] - min(before[counter], now[counter])
            if count > 0 { row.tasks[outcome] = count }
        }
        (row.busyWorkers, row.workers) = (start.busyWorkers, start.workers)
        row.queuedTasks = board.processes.reduce(0) { $0 + $1.queuedTasks }
        row.deaths = Int(clamping: now[.deaths] - min(before[.deaths], now[.deaths]))
        row.replaced = max(0, board.replaced - start.replaced)
        row.generation = board.processes.map(\.generation).max() ?? 0
        row.program = program
        return row
    }
}

extension TaskOutcome {
    fileprivate static let counters: [(TaskOutcome, ProcessCounter)] = [
        (.done, .tasksDone), (.failed, .tasksFailed), (.retried, .tasksRetried), (.dropped, .tasksDropped),
    ]
}
