import Glibc
package import PostludeSystem

/// A process's own slot: what it counts, and its workers' slots.
package final class ProcessSlot: Sendable {
    private struct State {
        /// The free places, the next one last.
        var free: [Int]
        /// The rows of names, in the tables of tasks and of routes.
        var tasks: [String: Int] = [:]
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

    /// This process has the slot from now on.
    ///
    /// - Parameter generation: of the manifest that it serves.
    package func begin(generation: Int, at now: MonotonicTime = .now) {
        words[Layout.Process.pid] = UInt64(clamping: getpid())
        words[Layout.Process.startedNanoseconds] = UInt64(clamping: now.nanoseconds)
        beat(at: now)
        set(generation: generation)
        set(.serving)
    }

    /// Says that this process is alive: its control thread does, once a second at least.
    package func beat(at now: MonotonicTime) {
        words[Layout.Process.beatNanoseconds] = UInt64(clamping: now.nanoseconds)
    }

    package func set(_ state: ProcessState) { words.publish(Layout.Process.state, state.rawValue) }

    package func set(generation: Int) { words[Layout.Process.generation] = UInt64(clamping: generation) }

    /// Says how many workers may run tasks at once: from then on other processes may give requests to this one.
    package func set(taskPlaces: Int) { words[Layout.Process.taskPlaces] = UInt64(clamping: taskPlaces) }

    /// Whether another process serves, and has a worker free for a request and its tasks.
    package var isAnotherFree: Bool { board.hasFreeProcess(besides: index) }

    /// What can only be looked up, now and then.
    package func set(connections: Int, tasks: TaskCounts) {
        words[Layout.Process.connections] = UInt64(clamping: connections)
        words[Layout.Process.queuedTasks] = UInt64(clamping: tasks.queued)
        words[Layout.Process.tasksForWorker] = UInt64(clamping: tasks.forWorker)
        words[Layout.Process.tasksForAttempt] = UInt64(clamping: tasks.forAttempt)
        words[Layout.Process.runningTasks] = UInt64(clamping: tasks.running)
        words[Layout.Process.oldestTaskNanoseconds] = UInt64(clamping: tasks.oldest?.nanoseconds ?? 0)
    }

    package func count(_ counter: ProcessCounter, by amount: Int = 1) {
        words.add(Layout.Process.counters + counter.rawValue, UInt64(clamping: amount))
    }

    /// Whether requests wait for workers that may not be started. Counted when it begins.
    package func set(isExhausted: Bool) {
        let wasExhausted = words[Layout.Process.isExhausted] != 0
        words[Layout.Process.isExhausted] = isExhausted ? 1 : 0
        if isExhausted, !wasExhausted { count(.poolExhausted) }
    }

    /// How another process has ended, as far as this one's supervisor has started it.
    package func end(of pid: Int64) -> ProcessEnd { board.end(of: pid) }

    // MARK: Workers

    /// A slot for a worker that starts; it is free again when the worker lets go of it.
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

    /// A request was answered, and not by a worker that is shown: those count theirs by `WorkerSlot.finish`.
    package func count(_ answer: CountedAnswer, taking duration: Duration) {
        let nanoseconds = UInt64(clamping: duration.saturatedNanoseconds)
        count(.requests)
        words.add(Layout.Process.requestNanoseconds, nanoseconds)
        words.add(Layout.Process.requestTimes + LatencyHistogram.bucket(nanoseconds: nanoseconds))
        count(answer, nanoseconds: nanoseconds)
    }

    /// What every answer adds to its route.
    func count(_ answer: CountedAnswer, nanoseconds: UInt64) {
        let place = (answer.route ?? noRoute).place { name in
            state.withLock { words.place(of: name, in: Layout.Process.routes, known: &$0.routes) }
        }
        let route = words.row(place, of: Layout.Process.routes)
        route.add(StatusClass(of: answer.status).word)
        route.add(Layout.Route.nanoseconds, nanoseconds)
    }

    // MARK: Tasks

    /// An attempt of a task has ended, or there will be none.
    ///
    /// - Parameter duration: of the attempt; nil if there was none.
    package func count(_ outcome: TaskOutcome, task name: String, taking duration: Duration?) {
        count(outcome.counter)
        // An application may make up names at run time.
        let place = state.withLock { words.place(of: name, in: Layout.Process.tasks, known: &$0.tasks) }
        let task = words.row(place, of: Layout.Process.tasks)
        task.add(outcome.word)
        guard let duration else { return }
        let nanoseconds = UInt64(clamping: duration.saturatedNanoseconds)
        task.add(Layout.Task.nanoseconds, nanoseconds)
        task.add(Layout.Task.times + LatencyHistogram.bucket(nanoseconds: nanoseconds))
    }
}

/// The tasks of a process that have not ended.
package struct TaskCounts: Sendable, Equatable {
    /// Those that wait, for whatever reason.
    package var queued = 0
    /// Of those, the ones whose request's first task has not begun.
    package var forWorker = 0
    /// Of those, the ones that wait until another attempt is made, of their own or of the task before them.
    package var forAttempt = 0
    package var running = 0
    /// When the oldest one was added, or its request began.
    package var oldest: MonotonicTime?

    package init() {}
}

/// What a process counts.
package enum ProcessCounter: Int, Sendable, CaseIterable {
    /// Those that were not answered by workers that are shown; these count their own.
    case requests
    /// Requests that were refused before a handler was asked.
    case refused
    /// Requests that took longer than `limits.slow-time`.
    case slow
    /// Requests that were answered 504.
    case timedOut
    /// How often a request waited though the pool was as large as it may be.
    case poolExhausted
    case tasksDone, tasksFailed, tasksRetried, tasksDropped
}

/// What became of an attempt of a task, or of a task that has none, as it is counted.
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
