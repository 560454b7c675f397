import Glibc
package import PostludeSystem

/// A process's own slot, with its counts and its workers' slots.
package final class ProcessSlot: Sendable {
    private struct State {
        /// The free places; the next one to be taken is the last.
        var free: [Int]
        /// The rows of names, in the tables of tasks and of routes.
        var tasks: [String: Int] = [:]
        /// The last task that was looked up: the end of an attempt often follows its beginning.
        var lastTask: (name: String, place: Int)?
        var routes: [String: Int] = [:]
    }

    private let board: Scoreboard
    private let index: Int
    private let words: SharedWords
    private let state: Lock<State>
    private let noRoute = CountedRoute("none")

    init(_ board: Scoreboard, _ index: Int, workers: Int) {
        self.board = board
        self.index = index
        words = board.words(ofProcess: index)
        state = Lock(State(free: Array((0..<workers).reversed())))
    }

    /// Takes possession of the slot for this process.
    ///
    /// - Parameter generation: the generation of the manifest that the process serves.
    package func begin(generation: Int, at now: MonotonicTime = .now) {
        words[Layout.Process.pid] = UInt64(clamping: getpid())
        words[Layout.Process.startedNanoseconds] = UInt64(clamping: now.nanoseconds)
        beat(at: now)
        set(generation: generation)
        set(.serving)
    }

    /// Records that this process is alive. Called by its control thread at least once a second.
    package func beat(at now: MonotonicTime) {
        words[Layout.Process.beatNanoseconds] = UInt64(clamping: now.nanoseconds)
    }

    package func set(_ state: ProcessState) { words.publish(Layout.Process.state, state.rawValue) }

    package func set(generation: Int) { words[Layout.Process.generation] = UInt64(clamping: generation) }

    /// Records how many workers may run tasks at the same time: from then on, other processes may hand requests over to
    /// this one.
    package func set(taskSlots: Int) { words[Layout.Process.taskSlots] = UInt64(clamping: taskSlots) }

    /// Records how many workers there may be.
    package func set(workersLimit: Int) {
        words[Layout.Process.workersLimit] = UInt64(clamping: workersLimit)
    }

    /// Whether another process serves, and has a free worker for a request and its tasks.
    package var isAnotherProcessFree: Bool { board.hasFreeProcess(besides: index) }

    /// Records the numbers that are sampled periodically.
    package func set(connections: Int, eventStreams: Int = 0, tasks: TaskCounts) {
        words[Layout.Process.connections] = UInt64(clamping: connections)
        words[Layout.Process.eventStreams] = UInt64(clamping: eventStreams)
        words[Layout.Process.queuedTasks] = UInt64(clamping: tasks.queued)
        words[Layout.Process.tasksForWorker] = UInt64(clamping: tasks.forWorker)
        words[Layout.Process.tasksForAttempt] = UInt64(clamping: tasks.forAttempt)
        words[Layout.Process.runningTasks] = UInt64(clamping: tasks.running)
        words[Layout.Process.oldestTaskNanoseconds] = UInt64(clamping: tasks.oldest?.nanoseconds ?? 0)
        words[Layout.Process.oldestWaiting] = tasks.oldestWaiting?.word ?? 0
    }

    /// Records since when the task store and the broker are unavailable; nil if they are available, or not used.
    package func set(storeOutage: MonotonicTime?, brokerOutage: MonotonicTime?) {
        words[Layout.Process.storeOutageNanoseconds] = UInt64(clamping: storeOutage?.nanoseconds ?? 0)
        words[Layout.Process.brokerOutageNanoseconds] = UInt64(clamping: brokerOutage?.nanoseconds ?? 0)
    }

    package func count(_ counter: ProcessCounter, by amount: Int = 1) {
        words.add(Layout.Process.counters + counter.rawValue, UInt64(clamping: amount))
    }

    /// Records whether requests wait although no more workers may be started. Counted each time that this begins.
    package func set(isExhausted: Bool) {
        let wasExhausted = words[Layout.Process.isExhausted] != 0
        words[Layout.Process.isExhausted] = isExhausted ? 1 : 0
        if isExhausted, !wasExhausted { count(.poolExhausted) }
    }

    /// Returns how another process of the same supervisor has ended.
    package func end(of pid: Int64) -> ProcessEnd { board.end(of: pid) }

    // MARK: Workers

    /// Takes a slot for a new worker. It is free again when the `WorkerSlot` is released.
    package func takeWorker(at now: MonotonicTime = .now) throws(ScoreboardError) -> WorkerSlot {
        if let place = state.withLock({ $0.free.popLast() }) {
            let words = words.from(Layout.Process.count + place * Layout.Worker.count)
            return WorkerSlot(words, of: self, place: place, number: place + 1, at: now)
        }
        do throws(SystemError) {
            let words = SharedWords(try SharedMemory(byteCount: Layout.Worker.count * 8))
            return WorkerSlot(words, of: self, place: nil, number: 0, at: now)
        } catch {
            throw .system(error)
        }
    }

    func giveBack(_ place: Int) { state.withLock { $0.free.append(place) } }

    func becameBusy() {
        let count = words.add(Layout.Process.busyWorkers)
        if count > words[Layout.Process.mostBusyWorkers] {
            words.raise(Layout.Process.mostBusyWorkers, to: count)
        }
    }

    func becameIdle() { words.add(Layout.Process.busyWorkers, .max) }

    // MARK: Answers

    /// Counts a request that was not answered by a worker with a place on the scoreboard; such a worker counts its
    /// requests in `WorkerSlot.finish`.
    package func count(_ answer: CountedAnswer, taking duration: Duration) {
        let nanoseconds = UInt64(clamping: duration.saturatedNanoseconds)
        count(.requests)
        words.add(Layout.Process.requestNanoseconds, nanoseconds)
        words.add(Layout.Process.requestTimes + LatencyHistogram.bucket(nanoseconds: nanoseconds))
        count(answer, nanoseconds: nanoseconds)
    }

    /// Counts how long a request has waited before it began.
    package func count(requestWaiting duration: Duration) {
        words.from(Layout.Process.requestWaits).count(waiting: duration)
    }

    /// Counts an answer for its route.
    func count(_ answer: CountedAnswer, nanoseconds: UInt64) {
        let place = (answer.route ?? noRoute).place { name in
            state.withLock { words.place(of: name, in: Layout.Process.routes, known: &$0.routes) }
        }
        let route = words.row(place, of: Layout.Process.routes)
        route.add(StatusClass(of: answer.status).word)
        route.add(Layout.Route.nanoseconds, nanoseconds)
        route.add(Layout.Route.times + LatencyHistogram.bucket(nanoseconds: nanoseconds))
    }

    // MARK: Tasks

    /// Counts the end of an attempt of a task, or a task that gets no attempt.
    ///
    /// - Parameter duration: the attempt's duration; nil if there was none.
    package func count(_ outcome: TaskOutcome, task name: String, taking duration: Duration?) {
        count(outcome.counter)
        let task = row(ofTask: name)
        task.add(outcome.word)
        guard let duration else { return }
        let nanoseconds = UInt64(clamping: duration.saturatedNanoseconds)
        task.add(Layout.Task.nanoseconds, nanoseconds)
        task.add(Layout.Task.times + LatencyHistogram.bucket(nanoseconds: nanoseconds))
    }

    /// Counts how long a task has waited before its attempt began.
    package func count(task name: String, waiting duration: Duration) {
        row(ofTask: name).from(Layout.Task.waits).count(waiting: duration)
    }

    /// The names are not known in advance: an application may make them up at run time.
    private func row(ofTask name: String) -> SharedWords {
        let place = state.withLock { state in
            if let last = state.lastTask, last.name == name { return last.place }
            let place = words.place(of: name, in: Layout.Process.tasks, known: &state.tasks)
            state.lastTask = (name, place)
            return place
        }
        return words.row(place, of: Layout.Process.tasks)
    }
}

extension SharedWords {
    /// Counts in the words of `Layout.Waits`.
    fileprivate func count(waiting duration: Duration) {
        let nanoseconds = UInt64(clamping: duration.saturatedNanoseconds)
        add(LatencyHistogram.bucket(nanoseconds: nanoseconds))
        add(Layout.Waits.nanoseconds, nanoseconds)
    }
}

/// The tasks of a process that have not ended.
package struct TaskCounts: Sendable, Equatable {
    /// The tasks that wait, for any reason.
    package var queued = 0
    /// Of the queued tasks, those whose request's first task has not begun.
    package var forWorker = 0
    /// Of the queued tasks, those that wait for another attempt, of their own or of the task before them.
    package var forAttempt = 0
    package var running = 0
    /// The time at which the oldest task was added, or its request began.
    package var oldest: MonotonicTime?
    /// The task that has waited for the longest time; nil if none waits.
    package var oldestWaiting: WaitingTask?

    package init() {}
}

/// A task that waits.
package struct WaitingTask: Sendable, Equatable {
    /// What a task waits for.
    package enum Reason: UInt64, Sendable {
        /// For a worker that may run tasks.
        case worker
        /// For its response, or for the task before it.
        case turn
    }

    /// The time at which the task began to wait: that at which its request began.
    package let since: MonotonicTime
    package let reason: Reason

    package init(since: MonotonicTime, reason: Reason) {
        self.since = since
        self.reason = reason
    }

    /// - Returns: nil if the word says that no task waits.
    init?(word: UInt64) {
        guard word != 0 else { return nil }
        since = MonotonicTime(nanoseconds: Int64(clamping: word >> 2))
        reason = Reason(rawValue: word & 3) ?? .worker
    }

    var word: UInt64 { UInt64(clamping: since.nanoseconds) << 2 | reason.rawValue }
}

/// The counters of a process.
package enum ProcessCounter: Int, Sendable, CaseIterable {
    /// Requests that were not answered by workers with a place on the scoreboard; such workers count their own.
    case requests
    /// Requests that were refused before a handler was called.
    case refused
    /// Requests that took longer than `limits.slow-time`.
    case slow
    /// Requests that were answered with 504.
    case timedOut
    /// The number of times that a request waited although the pool had its maximum size.
    case poolExhausted
    case tasksDone, tasksFailed, tasksRetried, tasksDropped
    /// Requests that repeat an earlier one, and were answered with its answer.
    case repeated
    /// Processes that a signal has ended, or that have exited with a status other than 0. Counted by the supervisor.
    case deaths
}

/// The outcome of an attempt of a task, or of a task that gets no attempt, as it is counted.
package enum TaskOutcome: String, Sendable, CaseIterable {
    case done, retried, failed, dropped

    var counter: ProcessCounter {
        switch self {
        case .done: .tasksDone
        case .failed: .tasksFailed
        case .retried: .tasksRetried
        case .dropped: .tasksDropped
        }
    }

    var word: Int {
        switch self {
        case .done: Layout.Task.done
        case .failed: Layout.Task.failed
        case .retried: Layout.Task.retried
        case .dropped: Layout.Task.dropped
        }
    }
}
