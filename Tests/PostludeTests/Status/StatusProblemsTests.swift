import PostludeManifest
import PostludeSystem
import Testing

@testable import Postlude
@testable import PostludeScoreboard

@Suite("What is wrong, in the status report")
struct StatusProblemsTests {
    private typealias Process = ScoreboardSnapshot.Process

    private var board = ScoreboardSnapshot(
        program: "shop", started: 1_000_000, uptime: .seconds(600), replaced: 0)
    private var history = StatusHistory()
    private var tasks: TaskInspectionPages.Answer?
    private var thresholds = Manifest.Status.Problems()

    init() { board.processes = [Self.process(1)] }

    private static func process(_ index: Int) -> Process {
        Process(
            index: index, pid: 100 + index, generation: 1, state: .serving, age: .seconds(600),
            connections: 1,
            queuedTasks: 0, runningTasks: 0, tasksForWorker: 0, tasksForAttempt: 0, taskSlots: 2,
            oldestTask: nil, mostBusyWorkers: 0)
    }

    private static func worker(
        _ number: Int, _ state: WorkerState = .tasks, task: String = "", since: Duration = .seconds(1),
        tasksLeft: Int = 0
    ) -> ScoreboardSnapshot.Worker {
        ScoreboardSnapshot.Worker(
            number: number, state: state, since: since, age: .zero, requests: 1, requestDuration: .zero,
            method: "", target: "", route: "", handler: "", request: "", task: task, tasksLeft: tasksLeft,
            isTorn: false)
    }

    private var problems: [StatusProblem] { StatusProblems(in: board, history, tasks, thresholds).all }

    private mutating func answer(
        library: String = "paper", _ change: (inout TaskInspectionPages.Answer) -> Void
    ) {
        var answer = TaskInspectionPages.Answer(library: library, allowsActions: false)
        change(&answer)
        tasks = answer
    }

    private static func kind(_ name: String, failed: Int = 0, outgoing: Int = 0) -> StoredTaskReport.Kind {
        var kind = StoredTaskReport.Kind(name: name)
        (kind.failed, kind.outgoing) = (failed, outgoing)
        return kind
    }

    @Test("A server that serves has none") mutating func none() {
        #expect(problems.isEmpty)
        answer { $0.names = [Self.kind("Job")] }
        board.processes[0].workers = [Self.worker(1, .handling), Self.worker(2, .handling)]
        #expect(problems.isEmpty)
    }

    @Test("No process that serves") mutating func serving() {
        board.processes[0].state = .starting
        #expect(
            problems == [
                StatusProblem(.serving, "no process serves requests: 1 starting", value: 0)
            ])
        board.processes = []
        #expect(problems.map(\.text) == ["no process serves requests: there is none"])
        board.processes = [Self.process(1), Self.process(2)]
        board.processes[0].state = .draining
        #expect(problems.isEmpty)
    }

    @Test("A broker that accepts no tasks, with the time since which it does not") mutating func broker() {
        board.processes[0].brokerOutage = .milliseconds(4999)
        #expect(problems.isEmpty)
        board.processes.append(Self.process(2))
        board.processes[1].brokerOutage = .seconds(90)
        answer { $0.names = [Self.kind("A", outgoing: 2), Self.kind("B", outgoing: 10)] }
        #expect(
            problems == [
                StatusProblem(
                    .broker, "the broker accepts no tasks; 12 tasks wait to be sent", since: 1_000_510,
                    value: 90)
            ])
        thresholds.outage = .seconds(91)
        #expect(problems.isEmpty)
    }

    @Test("A task store that processes or the status pages cannot use") mutating func taskStore() {
        board.processes.append(Self.process(2))
        board.processes[1].storeOutage = .seconds(60)
        #expect(
            problems == [
                StatusProblem(
                    .taskStore, "the task store cannot be used by 1 of 2 processes", since: 1_000_540,
                    value: 60)
            ])
        board.processes[1].storeOutage = nil
        answer {
            $0.error = "disk I/O error"
            $0.unreadable = .seconds(5)
        }
        #expect(problems.map(\.text) == ["the task store cannot be used: disk I/O error"])
        answer {
            $0.error = "they are being read"
            $0.unreadable = .milliseconds(20)
        }
        #expect(problems.isEmpty)
    }

    @Test("Dead letters, by the names of their tasks") mutating func deadLetters() {
        answer {
            $0.names = [("A", 2), ("B", 0), ("C", 5), ("D", 1), ("E", 1)].map {
                Self.kind($0.0, failed: $0.1)
            }
            $0.deadLetters = [
                StoredTaskReport.DeadLetter(id: "1", name: "A", attempts: 1, error: "", ended: 1_000_300),
                StoredTaskReport.DeadLetter(id: "2", name: "C", attempts: 1, error: "", ended: 1_000_400),
            ]
        }
        #expect(
            problems == [
                StatusProblem(
                    .deadLetters, "9 dead letters: C 5, A 2, D 1 and 1 more", last: 1_000_400, value: 9)
            ])
        thresholds.deadLetters = 10
        #expect(problems.isEmpty)
    }

    @Test("The oldest waiting task, and what it is behind") mutating func oldestTask() {
        func text(_ reason: WaitingTask.Reason, seconds: Int = 45) -> [String] {
            var copy = self
            copy.board.processes[0].oldestWaiting = .init(age: .seconds(seconds), reason: reason)
            return copy.problems.map(\.text)
        }
        #expect(text(.worker, seconds: 29).isEmpty)
        #expect(text(.worker) == ["the oldest task waits for the worker of its request, in process 101"])
        #expect(text(.turn) == ["the oldest task waits for its response, in process 101"])
        board.processes[0].workers = [Self.worker(1, task: "Resize", since: .seconds(9), tasksLeft: 2)]
        #expect(text(.turn) == ["the oldest task waits behind Resize in process 101"])
        board.processes[0].workers.append(Self.worker(2, task: "Import", since: .seconds(50)))
        #expect(text(.turn) == ["the oldest task waits behind Resize in process 101"])
        #expect(
            text(.worker) == [
                "the oldest task waits behind 2 running tasks in process 101, the longest of which is Import"
            ])
        answer { $0.oldestWaitingAge = 31 }
        #expect(problems.map(\.text) == ["the oldest task waits behind the tasks that keep all workers busy"])
        #expect(problems.first?.since == 1_000_569)
        board.processes[0].workers = []
        #expect(problems.map(\.text) == ["the oldest task waits in the task store"])
        thresholds.oldestTask = .seconds(60)
        #expect(problems.isEmpty)
    }

    @Test("A process whose workers for tasks have been busy for long") mutating func taskWorkers() {
        board.processes[0].workers = [Self.worker(1), Self.worker(2), Self.worker(3, .idle)]
        board.processes[0].tasksForWorker = 71
        board.uptime = .seconds(560)
        history.add(board, nil)
        #expect(problems.isEmpty)
        board.uptime = .seconds(600)
        history.add(board, nil)
        #expect(
            problems == [
                StatusProblem(
                    .taskWorkers,
                    "process 101: all 2 workers that may run tasks are busy, and 71 tasks wait",
                    since: 1_000_560, value: 40)
            ])
        // Another process in the same slot.
        board.processes[0].pid = 900
        history.add(board, nil)
        #expect(problems.isEmpty)
        // A free worker.
        board.processes[0].workers[0].state = .idle
        history.add(board, nil)
        board.processes[0].workers[0].state = .tasks
        board.uptime = .seconds(620)
        history.add(board, nil)
        #expect(problems.isEmpty)
    }

    @Test("The share of 5xx of the last minute") mutating func errors() {
        board.uptime = .seconds(540)
        history.add(board, nil)
        var counts = RouteCounts()
        (counts.answers[.successful], counts.answers[.serverError]) = (278, 22)
        board.totals.routes["/"] = counts
        board.uptime = .seconds(600)
        #expect(
            problems == [
                StatusProblem(
                    .errors, "7.3 % of the responses of the last minute are 5xx: 22 of 300", value: 22.0 / 300
                )
            ])
        thresholds.errors = 0.08
        #expect(problems.isEmpty)
        // Errors of earlier minutes do not count.
        thresholds.errors = 0.05
        for second in stride(from: 600, to: 670, by: 5) {
            board.uptime = .seconds(second)
            history.add(board, nil)
        }
        #expect(problems.isEmpty)
    }

    @Test("Processes that have died in the last five minutes, with the time of the last death")
    mutating func restarts() {
        history.add(board, nil)
        board.uptime = .seconds(610)
        board.totals.counters[.deaths] = 2
        // Also before the next sample.
        #expect(problems.first?.last == 1_000_610)
        history.add(board, nil)
        #expect(
            problems == [
                StatusProblem(
                    .restarts, "2 processes have died in the last 5 minutes", last: 1_000_610, value: 2)
            ])
        thresholds.restarts = 3
        #expect(problems.isEmpty)
        thresholds.restarts = 1
        for second in stride(from: 615, to: 920, by: 5) {
            board.uptime = .seconds(second)
            history.add(board, nil)
        }
        #expect(problems.isEmpty)
    }

    @Test("The most urgent one is first, and all surfaces show the same ones") func surfaces() throws {
        let board = try Scoreboard(program: "shop", processes: 2, workers: 4, isShared: false)
        let process = try #require(board.process(at: 1))
        process.begin(generation: 5)
        process.set(taskSlots: 2)
        var counts = TaskCounts()
        counts.queued = 1
        counts.oldestWaiting = WaitingTask(since: .now + .seconds(-100), reason: .turn)
        process.set(connections: 1, tasks: counts)
        process.set(storeOutage: nil, brokerOutage: .now + .seconds(-60))
        let source = StatusSource(board, application: nil, manager: "none")
        source.sample()
        board.note(endOf: 77, signal: 9, status: 0)
        board.note(endOf: 78, signal: nil, status: 0)
        source.sample()
        let report = source.report()
        #expect(report.problems.map(\.kind) == [.broker, .restarts, .oldestTask])
        #expect(report.problems.map(\.level) == [.error, .warning, .warning])
        let table = "\(StatusTable(report))".split(separator: "\n")
        #expect(table[0].hasPrefix("error: the broker accepts no tasks, since 20") && table[0].hasSuffix("Z"))
        #expect(table[1].hasPrefix("warning: 1 process has died in the last 5 minutes, the last one at 20"))
        let metrics = source.metrics
        for kind in StatusProblem.Kind.allCases {
            let value = [.broker, .restarts, .oldestTask].contains(kind) ? 1 : 0
            #expect(metrics.contains("postlude_problems{kind=\"\(kind.rawValue)\"} \(value)\n"))
        }
        process.set(connections: 1, tasks: TaskCounts())
        process.set(storeOutage: nil, brokerOutage: nil)
        #expect(source.report().problems.map(\.kind) == [.restarts])
    }
}
