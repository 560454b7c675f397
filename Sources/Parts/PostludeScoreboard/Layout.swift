/// The layout of the memory, in words of eight bytes. `version` changes with it.
struct Layout: Sendable, Equatable {
    static let magic: UInt64 = 0x504f_5354_4c55_4445  // "POSTLUDE"
    static let version: UInt64 = 6
    /// The largest allowed scoreboard: a header with larger numbers is rejected.
    static let maximumProcesses = 4 * 1024 + 16
    static let maximumWorkers = 4096

    let processes: Int
    /// The number of workers of each process.
    let workers: Int

    /// - Returns: nil if there are too many, or none.
    init?(processes: Int, workers: Int) {
        guard (1...Self.maximumProcesses).contains(processes), (1...Self.maximumWorkers).contains(workers)
        else { return nil }
        self.processes = processes
        self.workers = workers
    }

    enum Header {
        static let magic = 0
        static let version = 1
        static let processes = 2
        static let workers = 3
        /// Seconds since 1970.
        static let started = 4
        static let startedNanoseconds = 5
        static let replaced = 6
        /// The number of ends of processes that were recorded.
        static let ended = 7
        static let program = 8..<16
        /// The last ends, one word for each: the process's number, and how it has ended.
        static let ends = 16..<64
        static let count = 64
    }

    /// The words of a process. Several threads write them: each word is either written by one thread, or changed by
    /// atomic operations.
    enum Process {
        static let state = 0
        static let pid = 1
        static let generation = 2
        static let startedNanoseconds = 3
        static let connections = 4
        static let busyWorkers = 5
        static let mostBusyWorkers = 6
        static let queuedTasks = 7
        static let runningTasks = 8
        static let oldestTaskNanoseconds = 9
        static let requestNanoseconds = 10
        static let isExhausted = 11
        static let counters = 12
        /// The time at which the control thread was last active.
        static let beatNanoseconds = 28
        /// The number of workers that may run tasks at the same time.
        static let taskSlots = 29
        /// The queued tasks that wait for a worker, and in the next word those that wait for another attempt.
        static let tasksForWorker = 30
        static let tasksForAttempt = 31
        static let requestTimes = 32
        static let taskNames = requestTimes + LatencyHistogram.bucketCount
        static let routeNames = taskNames + 1
        /// The oldest waiting task: the time at which it began to wait, in nanoseconds and shifted left by two bits, and
        /// what it waits for; 0 if there is none.
        static let oldestWaiting = taskNames + 2
        /// The times since which the task store cannot be used, and since which the broker accepts no tasks; 0 if it is
        /// available.
        static let storeOutageNanoseconds = taskNames + 3
        static let brokerOutageNanoseconds = taskNames + 4
        /// The event streams that hold no worker.
        static let eventStreams = taskNames + 5
        /// The number of workers that there may be.
        static let workersLimit = taskNames + 6
        /// How long requests have waited before they began.
        static let requestWaits = taskNames + 8
        static let tasks = NameTable(
            names: taskNames, rows: requestWaits + Waits.count, rowCount: 64, rowSize: Task.count,
            name: Task.name)
        static let routes = NameTable(
            names: routeNames, rows: tasks.end, rowCount: 256, rowSize: Route.count, name: Route.name)
        static let count = routes.end
    }

    /// A histogram of waiting times, and their sum. It consists of whole cache lines.
    enum Waits {
        static let nanoseconds = LatencyHistogram.bucketCount
        static let count = nanoseconds + 8
    }

    /// The row of the tasks of one name. It consists of whole cache lines, as that of a route.
    enum Task {
        static let name = 0..<8
        static let done = 8
        static let failed = 9
        static let retried = 10
        static let dropped = 11
        static let nanoseconds = 12
        static let times = 16
        /// How long tasks have waited before their attempts began.
        static let waits = times + LatencyHistogram.bucketCount
        static let count = waits + Waits.count
    }

    /// The row of the answers of one route.
    enum Route {
        static let name = 0..<16
        /// The count of the class 1xx, followed by one word for each further class.
        static let answers = 16
        static let nanoseconds = answers + StatusClass.allCases.count
        static let times = 24
        static let count = times + LatencyHistogram.bucketCount
    }

    /// The words of a worker, which are written only by that worker.
    enum Worker {
        /// The time at which the state began, in nanoseconds and shifted left by three bits, and the state.
        static let state = 0
        /// The sequence number, which is odd while the text is being written.
        static let sequence = 1
        /// The worker's number; 0 if no worker has the slot.
        static let number = 2
        static let startedNanoseconds = 3
        static let requests = 4
        static let requestNanoseconds = 5
        static let requestsBefore = 6
        static let lastNanoseconds = 7
        static let tasksLeft = 8
        static let requestStarted = 9
        static let method = 10..<12
        static let target = 16..<32
        static let route = 32..<44
        static let handler = 44..<52
        static let request = 52..<60
        static let task = 60..<68
        static let text = 10..<68
        static let requestTimes = 72
        static let count = requestTimes + LatencyHistogram.bucketCount
    }

    /// The history of all processes: two rings of rows.
    enum History {
        /// The number of programs that have written the history: 1, and one more after each upgrade.
        static let programs = 0
        /// The numbers of rows that were written so far.
        static let seconds = HistoryRing(written: 1, rows: 8, rowCount: 3600)
        static let minutes = HistoryRing(written: 2, rows: seconds.end, rowCount: 1440)
        static let count = minutes.end
    }

    /// A row of the history.
    enum HistoryRow {
        static let time = 0
        static let nanoseconds = 1
        static let answers = 2..<7
        static let requestNanoseconds = 7
        /// The number of durations, and three percentiles of them.
        static let requestTimes = 8
        static let requestWaits = 12
        static let taskWaits = 16
        /// One word for each outcome.
        static let tasks = 20..<24
        static let busyWorkers = 24
        static let workers = 25
        static let queuedTasks = 26
        static let deaths = 27
        static let replaced = 28
        static let generation = 29
        static let program = 30
        static let count = 32
    }

    var processStride: Int { Process.count + workers * Worker.count }
    /// The history's position, after one more process than there are, which has the counts of those that have ended.
    var history: Int { Header.count + (processes + 1) * processStride }
    var byteCount: Int { (history + History.count) * 8 }

    func process(_ index: Int) -> Int { Header.count + index * processStride }
}
