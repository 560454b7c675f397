import PostludeSystem

/// What has happened in a second or a minute, in all processes.
package struct HistoryRow: Sendable, Equatable {
    /// The beginning, in seconds since 1970.
    package var time = 0
    /// The length of time that the row is about.
    package var length: Duration = .zero
    /// The answers, with the time of their requests.
    package var answers = RouteAnswers()
    package var requestTimes = Percentiles()
    /// How long requests and tasks that have begun had waited.
    package var requestWaits = Percentiles()
    package var taskWaits = Percentiles()
    package var tasks: [TaskOutcome: UInt64] = [:]
    /// The largest number of busy workers, and of workers.
    package var busyWorkers = 0
    package var workers = 0
    /// The number of tasks that waited at the end.
    package var queuedTasks = 0
    /// The processes that have died, and those that have ended.
    package var deaths = 0
    package var replaced = 0
    /// The newest manifest that a process served at the end; 0 if none served.
    package var generation = 0
    /// The number of the program that has written the row: it grows with each upgrade.
    package var program = 0

    package init() {}
}

/// The number of durations, and three percentiles of them.
package struct Percentiles: Sendable, Equatable {
    package var count: UInt64 = 0
    /// Nil if there are no durations.
    package var p50: Duration?
    package var p95: Duration?
    package var p99: Duration?

    package init() {}

    package init(_ times: LatencyHistogram) {
        count = times.total
        (p50, p95, p99) = (times.quantile(0.5), times.quantile(0.95), times.quantile(0.99))
    }
}

/// The position of a ring of rows in the history.
struct HistoryRing: Sendable, Equatable {
    /// The position of the word with the number of rows that were written so far.
    let written: Int
    let rows: Int
    let rowCount: Int

    var end: Int { rows + rowCount * Layout.HistoryRow.count }
}

/// The history of all processes. It has a fixed size: the rows of an hour's seconds, and those of a day's minutes. It outlives
/// the processes, and the program in an upgrade.
///
/// One thread writes it: that of the status page. It also reads it, so that no row is read while it is written. What another
/// program has left may be anything.
extension Scoreboard {
    private var history: SharedWords { words.from(layout.history) }

    /// Begins to write the history.
    ///
    /// - Returns: the number of the calling program among those that have written it.
    package func beginHistory() -> Int {
        history.increase(Layout.History.programs)
        return Int(clamping: history[Layout.History.programs])
    }

    /// Adds the row of a second in place of the oldest one.
    package func add(second row: HistoryRow) { append(row, to: Layout.History.seconds) }

    /// Adds the row of a minute in place of the oldest one, or replaces that of the same minute and program.
    package func set(minute row: HistoryRow) {
        let ring = Layout.History.minutes
        let written = history[ring.written]
        if written > 0 {
            let last = self.row(written &- 1, of: ring)
            if last[Layout.HistoryRow.time] == UInt64(clamping: row.time),
                last[Layout.HistoryRow.program] == UInt64(clamping: row.program)
            {
                return row.write(to: last)
            }
        }
        append(row, to: ring)
    }

    /// The rows of the last seconds, the oldest first.
    package var seconds: [HistoryRow] { rows(of: Layout.History.seconds) }

    /// The rows of the last minutes, the oldest first. The last minute is not over.
    package var minutes: [HistoryRow] { rows(of: Layout.History.minutes) }

    /// Copies the history of a smaller scoreboard that this one replaces.
    package func copyHistory(of old: Scoreboard) {
        for index in 0..<Layout.History.count { history[index] = old.history[index] }
    }

    private func append(_ row: HistoryRow, to ring: HistoryRing) {
        let written = history[ring.written]
        row.write(to: self.row(written, of: ring))
        history.publish(ring.written, written &+ 1)
    }

    private func rows(of ring: HistoryRing) -> [HistoryRow] {
        let written = history.published(ring.written)
        let count = min(written, UInt64(ring.rowCount))
        return (0..<count).map { HistoryRow(self.row(written &- count &+ $0, of: ring)) }
    }

    /// - Parameter number: the number of the row since the first one, whatever it is.
    private func row(_ number: UInt64, of ring: HistoryRing) -> SharedWords {
        let place = Int(number % UInt64(ring.rowCount))
        return history.from(ring.rows + place * Layout.HistoryRow.count)
    }
}

// MARK: Words

extension HistoryRow {
    fileprivate func write(to words: SharedWords) {
        typealias Row = Layout.HistoryRow
        words[Row.time] = UInt64(clamping: time)
        words[Row.nanoseconds] = UInt64(clamping: length.saturatedNanoseconds)
        for status in StatusClass.allCases {
            words[Row.answers.lowerBound + status.rawValue] = answers[status]
        }
        words[Row.requestNanoseconds] = UInt64(clamping: answers.time.saturatedNanoseconds)
        requestTimes.write(to: words.from(Row.requestTimes))
        requestWaits.write(to: words.from(Row.requestWaits))
        taskWaits.write(to: words.from(Row.taskWaits))
        for (place, outcome) in zip(Row.tasks, TaskOutcome.allCases) { words[place] = tasks[outcome] ?? 0 }
        words[Row.busyWorkers] = UInt64(clamping: busyWorkers)
        words[Row.workers] = UInt64(clamping: workers)
        words[Row.queuedTasks] = UInt64(clamping: queuedTasks)
        words[Row.deaths] = UInt64(clamping: deaths)
        words[Row.replaced] = UInt64(clamping: replaced)
        words[Row.generation] = UInt64(clamping: generation)
        words[Row.program] = UInt64(clamping: program)
    }

    /// Reads a row, whatever the words contain.
    fileprivate init(_ words: SharedWords) {
        typealias Row = Layout.HistoryRow
        time = Int(clamping: words[Row.time])
        length = .nanoseconds(Int64(clamping: words[Row.nanoseconds]))
        for status in StatusClass.allCases {
            answers[status] = words[Row.answers.lowerBound + status.rawValue]
        }
        answers.time = .nanoseconds(Int64(clamping: words[Row.requestNanoseconds]))
        requestTimes = Percentiles(words.from(Row.requestTimes))
        requestWaits = Percentiles(words.from(Row.requestWaits))
        taskWaits = Percentiles(words.from(Row.taskWaits))
        for (place, outcome) in zip(Row.tasks, TaskOutcome.allCases) where words[place] > 0 {
            tasks[outcome] = words[place]
        }
        busyWorkers = Int(clamping: words[Row.busyWorkers])
        workers = Int(clamping: words[Row.workers])
        queuedTasks = Int(clamping: words[Row.queuedTasks])
        deaths = Int(clamping: words[Row.deaths])
        replaced = Int(clamping: words[Row.replaced])
        generation = Int(clamping: words[Row.generation])
        program = Int(clamping: words[Row.program])
    }
}

extension Percentiles {
    fileprivate func write(to words: SharedWords) {
        words[0] = count
        for (index, duration) in [p50, p95, p99].enumerated() {
            words[index + 1] = UInt64(clamping: duration?.saturatedNanoseconds ?? 0)
        }
    }

    fileprivate init(_ words: SharedWords) {
        count = words[0]
        guard count > 0 else { return }
        let durations = (1...3).map { Duration.nanoseconds(Int64(clamping: words[$0])) }
        (p50, p95, p99) = (durations[0], durations[1], durations[2])
    }
}
