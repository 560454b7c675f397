internal import PostludeScoreboard
internal import PostludeSystem

extension StatusReport {
    /// What has happened in the last hour, by seconds, and in the last day, by minutes; the oldest first.
    struct History: Codable, Sendable {
        /// Nil if they are not requested.
        var seconds: [Entry]?
        /// The last one is not over. Nil if they are not requested.
        var minutes: [Entry]?
        var marks: [Mark]
    }

    /// The rows of a history that are requested.
    struct HistoryRange: Sendable {
        var hasSeconds = true
        var hasMinutes = true
        /// Only seconds and marks after this time, in seconds since 1970, and minutes from the one on that contains it.
        var after = 0
    }

    /// What has happened in a second or a minute. Counts of 0 are left out, as are percentiles of nothing.
    struct Entry: Codable, Sendable {
        /// The beginning, in seconds since 1970.
        var time: Int
        /// The length in seconds. It is that of a second or minute, or a little more or less.
        var seconds: Double
        var requests: UInt64
        var responses: [String: UInt64]
        var requestDuration: Percentiles?
        /// How long requests had waited that a worker has begun.
        var requestWait: Percentiles?
        /// Attempts that have ended, by result.
        var tasks: [String: UInt64]
        var taskWait: Percentiles?
        /// The largest numbers of busy workers and of workers.
        var activeWorkers: Int
        var totalWorkers: Int
        var queuedTasks: Int
    }

    struct Percentiles: Codable, Sendable {
        var p50: Double
        var p95: Double
        var p99: Double
    }

    /// An event that changes what the figures mean.
    struct Mark: Codable, Sendable, Equatable {
        enum Kind: String, Codable, Sendable, CaseIterable {
            /// The server was started.
            case start
            /// A new program has replaced the old one.
            case upgrade
            /// The processes serve another manifest.
            case reload
            /// Processes have died: ended by a signal, or with a status other than 0.
            case death
            /// Processes have ended, and were replaced.
            case restart
        }

        /// In seconds since 1970.
        var time: Int
        var kind: Kind
        /// The number of processes; nil for other kinds.
        var count: Int?
        /// The number of the manifest; nil for other kinds.
        var generation: Int?
    }
}

extension StatusReport.History {
    /// - Parameters:
    ///   - seconds: the rows of the last seconds.
    ///   - minutes: the rows of the last minutes.
    init(seconds: [HistoryRow], minutes: [HistoryRow], _ range: StatusReport.HistoryRange) {
        let after = range.after
        self.seconds =
            range.hasSeconds ? seconds.filter { $0.time > after }.map(StatusReport.Entry.init) : nil
        self.minutes =
            range.hasMinutes
            ? minutes.filter { $0.time / 60 >= after / 60 }.map(StatusReport.Entry.init) : nil
        // From the seconds as far as they reach back, because they are more exact.
        let first = seconds.first?.time ?? .max
        let earlier = minutes.prefix { $0.time / 60 < first / 60 }
        marks = Self.marks(in: earlier + seconds).filter { $0.time > range.after }
    }

    /// Returns the marks: differences between two rows.
    static func marks(in rows: [HistoryRow]) -> [StatusReport.Mark] {
        var marks: [StatusReport.Mark] = []
        var (program, generation) = (0, 0)
        // Those that have died, and are not counted among the ended ones yet.
        var dead = 0
        for row in rows {
            func add(_ kind: StatusReport.Mark.Kind, count: Int? = nil, generation: Int? = nil) {
                marks.append(
                    StatusReport.Mark(time: row.time, kind: kind, count: count, generation: generation))
            }
            if row.program != program {
                if row.program == 1, marks.isEmpty { add(.start) }
                if program != 0 { add(.upgrade) }
                program = row.program
            }
            // No process may serve for a while.
            if row.generation != 0, row.generation != generation {
                if generation != 0 { add(.reload, generation: row.generation) }
                generation = row.generation
            }
            if row.deaths > 0 { add(.death, count: row.deaths) }
            dead = min(dead, 1 << 32) + min(row.deaths, 1 << 32)
            if row.replaced > dead { add(.restart, count: row.replaced - dead) }
            dead = max(0, dead - row.replaced)
        }
        return marks
    }
}

extension StatusReport.Entry {
    init(_ row: HistoryRow) {
        time = row.time
        seconds = Double(row.length.saturatedNanoseconds / 1_000_000) / 1000
        requests = row.answers.total
        responses = row.answers.byClass.filter { $0.value > 0 }
        requestDuration = StatusReport.Percentiles(row.requestTimes)
        requestWait = StatusReport.Percentiles(row.requestWaits)
        tasks = Dictionary(uniqueKeysWithValues: row.tasks.map { ($0.rawValue, $1) })
        taskWait = StatusReport.Percentiles(row.taskWaits)
        (activeWorkers, totalWorkers) = (row.busyWorkers, row.workers)
        queuedTasks = row.queuedTasks
    }
}

extension StatusReport.Percentiles {
    /// - Returns: nil if there are no durations.
    init?(_ percentiles: PostludeScoreboard.Percentiles) {
        guard let p50 = percentiles.p50, let p95 = percentiles.p95, let p99 = percentiles.p99 else {
            return nil
        }
        (self.p50, self.p95, self.p99) = (p50.seconds, p95.seconds, p99.seconds)
    }
}

// MARK: Names, as php-fpm writes them

extension StatusReport.Entry {
    enum CodingKeys: String, CodingKey {
        case time, seconds, requests, responses, tasks
        case requestDuration = "request duration"
        case requestWait = "request wait"
        case taskWait = "task wait"
        case activeWorkers = "active workers"
        case totalWorkers = "total workers"
        case queuedTasks = "queued tasks"
    }
}
