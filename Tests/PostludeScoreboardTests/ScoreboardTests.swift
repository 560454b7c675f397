import Glibc
import PostludeSystem
import Testing

@testable import PostludeScoreboard

@Suite("The scoreboard", .timeLimit(.minutes(10)))
struct ScoreboardTests {
    static func make(processes: Int = 2, workers: Int = 4, isShared: Bool = true) throws -> Scoreboard {
        try Scoreboard(program: "shop", processes: processes, workers: workers, isShared: isShared)
    }

    /// A second view of the same memory, as a child process adopts it.
    static func adopt(_ scoreboard: Scoreboard) throws -> Scoreboard {
        let copy = dup(scoreboard.descriptor)
        try #require(copy >= 0)
        return try Scoreboard(adopting: copy)
    }

    @Test("Processes that share the memory see what one of them writes")
    func shared() throws {
        let board = try Self.make()
        let index = 0
        board.claim(process: index)
        let child = try Self.adopt(board)
        let process = try #require(child.process(at: index))
        let start = MonotonicTime(nanoseconds: 1_000_000_000)
        process.begin(generation: 7, at: start)
        let worker = try process.takeWorker(at: start)
        worker.begin(
            method: Array("GET".utf8)[...], target: Array("/orders/7?full=1".utf8)[...],
            request: Array("abc-1".utf8)[...], at: start)
        worker.handle(route: "/orders/{id}", handler: "show-order")

        let seen = board.snapshot(at: start + .seconds(2))
        let shown = try #require(seen.processes.first)
        #expect(seen.program == "shop" && seen.processes.count == 1)
        #expect(shown.pid == Int(getpid()) && shown.generation == 7 && shown.state == .serving)
        let row = try #require(shown.workers.first)
        #expect(row.number == 1 && row.state == .handling && !row.isTorn)
        #expect(row.method == "GET" && row.target == "/orders/7?full=1" && row.request == "abc-1")
        #expect(row.route == "/orders/{id}" && row.handler == "show-order")
        #expect(row.requestDuration == .seconds(2) && row.since == .seconds(2) && row.requests == 0)

        #expect(
            worker.finish(CountedAnswer(status: 200, route: nil), at: start + .seconds(3)) == .seconds(3))
        worker.becomeIdle(at: start + .seconds(3))
        let after = try #require(board.snapshot(at: start + .seconds(5)).processes.first)
        #expect(after.workers[0].state == .idle && after.workers[0].requests == 1)
        #expect(after.workers[0].requestDuration == .seconds(3))
        #expect(after.totals.requests == 1 && after.totals.requestTime == .seconds(3))
        #expect(after.mostBusyWorkers == 1)
    }

    @Test("A serving process that has a worker free for a task is visible to the others")
    func freeProcess() throws {
        let board = try Self.make(processes: 3)
        for index in 0..<2 { board.claim(process: index) }
        let own = try #require(board.process(at: 0))
        own.begin(generation: 1)
        own.set(taskSlots: 3)
        let other = try #require(try Self.adopt(board).process(at: 1))
        #expect(!own.isAnotherProcessFree, "it starts")
        other.begin(generation: 1)
        #expect(!own.isAnotherProcessFree, "it has not said how many tasks it may run")
        other.set(taskSlots: 2)
        #expect(own.isAnotherProcessFree)
        let workers = try (1...2).map { _ in try other.takeWorker() }
        let now = MonotonicTime.now
        workers[0].begin(method: [], target: [], request: [], at: now)
        #expect(own.isAnotherProcessFree)
        workers[1].run(
            task: "task",
            of: ShownRequest(method: [], target: [], route: "", handler: "", id: "", duration: .zero),
            remaining: 0,
            at: now)
        #expect(!own.isAnotherProcessFree, "both of its workers that may run tasks are busy")
        #expect(other.isAnotherProcessFree)
        workers[0].becomeIdle(at: now)
        #expect(own.isAnotherProcessFree)
        other.set(.draining)
        #expect(!own.isAnotherProcessFree, "it ends")
        other.set(.serving)
        board.release(process: 1)
        #expect(!own.isAnotherProcessFree, "it has ended")
    }

    @Test(
        "Workers come and go: a slot is reused, and workers beyond the slots are counted but not shown")
    func workersComeAndGo() throws {
        let board = try Self.make(workers: 2)
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        var workers = try (1...3).map { _ in try process.takeWorker() }
        for worker in workers {
            worker.begin(method: [], target: [], request: [], at: .now)
            worker.finish(CountedAnswer(status: 200, route: nil), at: .now)
            worker.becomeIdle(at: .now)
        }
        #expect(board.snapshot().processes[0].workers.map(\.number).sorted() == [1, 2])
        #expect(board.snapshot().totals.requests == 3)
        workers.removeFirst()
        #expect(board.snapshot().processes[0].workers.map(\.number) == [2])
        let next = try process.takeWorker()
        #expect(board.snapshot().processes[0].workers.map(\.number).sorted() == [1, 2])
        #expect(board.snapshot().processes[0].workers.first { $0.number == 1 }?.requests == 0)
        #expect(board.snapshot().totals.requests == 3)
        withExtendedLifetime(next) {}
    }

    @Test("The counts of an ended process stay, and its slot is free")
    func release() throws {
        let board = try Self.make(processes: 1)
        for round in 1...3 as ClosedRange<UInt64> {
            let index = 0
            board.claim(process: index)
            let process = try #require(board.process(at: index))
            process.begin(generation: 1)
            let worker = try process.takeWorker()
            worker.begin(method: [], target: [], request: [], at: .now)
            worker.finish(CountedAnswer(status: 200, route: CountedRoute("/r\(round)")), at: .now)
            process.count(CountedAnswer(status: 503, route: nil), taking: .seconds(1))
            process.count(.slow)
            process.count(.done, task: "mail", taking: .milliseconds(20))
            process.count(.dropped, task: "report-\(round)", taking: nil)
            let before = board.snapshot().totals
            board.release(process: index)
            let after = board.snapshot()
            #expect(after.processes.isEmpty && after.replaced == Int(round))
            for totals in [before, after.totals] {
                #expect(totals.requests == 2 * round && totals[.slow] == round)
                #expect(totals.requestTimes.total == 2 * round)
                #expect(totals.routes["/r\(round)"]?.answers[.successful] == 1)
                #expect(totals.routes["none"]?.answers[.serverError] == round)
                #expect(totals.routes["none"]?.answers.time == .seconds(Int64(round)))
                #expect(totals.routes["none"]?.times.total == round)
                #expect(totals.answers.total == 2 * round)
                #expect(totals.tasks["mail"]?.done == round && totals.tasks["mail"]?.times.total == round)
                #expect(totals.tasks["report-\(round)"]?.dropped == 1)
            }
        }
    }

    @Test("Names of tasks beyond the slots are counted together")
    func manyTaskNames() throws {
        let board = try Self.make()
        for index in 0...1 {
            let process = try #require(board.process(at: index))
            process.begin(generation: 1)
            for number in 1...200 { process.count(.failed, task: "task \(index) \(number)", taking: nil) }
            board.release(process: index)
        }
        let tasks = board.snapshot().totals.tasks
        #expect((63...64).contains(tasks.count))
        #expect(tasks.values.reduce(0) { $0 + $1.failed } == 400)
        #expect(tasks["other"]?.failed ?? 0 >= 337)
    }

    @Test("Routes beyond the slots are counted together, and a route keeps its row over reloads")
    func manyRoutes() throws {
        let board = try Self.make()
        for index in 0...1 {
            let process = try #require(board.process(at: index))
            process.begin(generation: 1)
            for _ in 1...2 {
                for number in 1...400 {
                    let route = CountedRoute("/\(index)/\(number)")
                    process.count(CountedAnswer(status: 200, route: route), taking: .zero)
                }
            }
            #expect(board.snapshot().totals.routes["/\(index)/7"]?.answers[.successful] == 2)
            board.release(process: index)
        }
        let routes = board.snapshot().totals.routes
        #expect(routes.values.allSatisfy { $0.times.total == $0.answers.total })
        #expect((255...256).contains(routes.count))
        #expect(routes.values.reduce(0) { $0 + $1.answers.total } == 1600)
        #expect(routes["other"]?.answers.total ?? 0 >= 1600 - 2 * 255)
    }

    @Test("Status codes count in their class, unknown ones in the nearest class")
    func classes() {
        let classes = [Int.min, 0, 100, 199, 200, 304, 404, 499, 500, 599, 600, Int.max].map {
            StatusClass(of: $0).label
        }
        #expect(
            classes == [
                "1xx", "1xx", "1xx", "1xx", "2xx", "3xx", "4xx", "4xx", "5xx", "5xx", "5xx", "5xx",
            ])
    }

    @Test("The other processes learn how a process has ended as soon as its supervisor knows")
    func ends() throws {
        let board = try Self.make()
        let pid = getpid()
        #expect(board.end(of: Int64(pid)) == .unknown)
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        #expect(process.end(of: Int64(pid)) == .pending)
        board.note(endOf: pid, signal: 9, status: 0)
        #expect(process.end(of: Int64(pid)) == .known("signal 9"))
        board.release(process: 0)
        #expect(board.end(of: Int64(pid)) == .known("signal 9"))
        // The newest entry for a process id counts, and the last entries are kept.
        for number in 1...200 { board.note(endOf: pid + Int32(number), signal: nil, status: Int32(number)) }
        #expect(board.end(of: Int64(pid)) == .unknown)
        #expect(board.end(of: Int64(pid) + 200) == .known("exit status 200"))
        for strange in [Int64.min, -1, 0, .max] { #expect(board.end(of: strange) == .unknown) }
    }

    @Test("Processes that have died are counted, and those that have exited with 0 are not")
    func deaths() throws {
        let board = try Self.make()
        board.note(endOf: 1, signal: 9, status: 0)
        board.note(endOf: 2, signal: nil, status: 0)
        board.note(endOf: 3, signal: nil, status: 1)
        #expect(board.snapshot().totals[.deaths] == 2)
        board.claim(process: 0)
        board.release(process: 0)
        #expect(board.snapshot().totals[.deaths] == 2)
    }

    @Test("Outages and the oldest waiting task are those of a process, until it says that they are over")
    func outages() throws {
        let board = try Self.make()
        let process = try #require(board.process(at: 0))
        let start = MonotonicTime(nanoseconds: 5_000_000_000)
        process.begin(generation: 1, at: start)
        func shown() throws -> ScoreboardSnapshot.Process {
            try #require(board.snapshot(at: start + .seconds(9)).processes.first)
        }
        #expect(try shown().storeOutage == nil && shown().brokerOutage == nil && shown().oldestWaiting == nil)
        process.set(storeOutage: start, brokerOutage: start + .seconds(2))
        var counts = TaskCounts()
        counts.oldestWaiting = WaitingTask(since: start + .seconds(4), reason: .turn)
        process.set(connections: 0, tasks: counts)
        #expect(try shown().storeOutage == .seconds(9) && shown().brokerOutage == .seconds(7))
        #expect(try shown().oldestWaiting?.age == .seconds(5) && shown().oldestWaiting?.reason == .turn)
        process.set(storeOutage: nil, brokerOutage: nil)
        process.set(connections: 0, tasks: TaskCounts())
        #expect(try shown().storeOutage == nil && shown().brokerOutage == nil && shown().oldestWaiting == nil)
    }

    @Test("The record of a dead process names the requests and tasks of its workers")
    func unfinishedWork() throws {
        let board = try Self.make()
        let index = 0
        board.claim(process: index)
        let process = try #require(board.process(at: index))
        let start = MonotonicTime(nanoseconds: 5_000_000_000)
        process.begin(generation: 1, at: start)
        let workers = try (1...3).map { _ in try process.takeWorker(at: start) }
        for worker in workers.prefix(2) {
            worker.begin(
                method: Array("POST".utf8)[...], target: Array("/orders".utf8)[...],
                request: Array("r1".utf8)[...], at: start)
            worker.handle(route: "/orders", handler: "place-order")
        }
        workers[1].finish(CountedAnswer(status: 200, route: nil), at: start)
        let mail = ShownRequest(
            method: Array("PUT".utf8)[...], target: Array("/mails/7".utf8)[...], route: "/mails/{id}",
            handler: "send", id: "r2", duration: .milliseconds(30))
        workers[1].run(task: "send-mail", of: mail, remaining: 2, at: start)
        let kept = ShownRequest(
            method: [], target: [], route: "/kept", handler: "", id: "r3", duration: .zero)
        workers[2].run(task: "kept", of: kept, remaining: 0, at: start)
        let row = try #require(board.snapshot().processes.first?.workers.first { $0.number == 2 })
        #expect(row.method == "PUT" && row.target == "/mails/7" && row.route == "/mails/{id}")
        #expect(row.handler == "send" && row.request == "r2" && row.task == "send-mail")
        #expect(row.requestDuration == .milliseconds(30))
        #expect(
            board.unfinishedWork(ofProcess: index, at: start + .milliseconds(1250)) == [
                "worker 1 was handling POST /orders for 1.250 s, route /orders, handler place-order, request r1",
                """
                worker 2 was running the task send-mail for 1.250 s after PUT /mails/7, 2 more tasks, \
                route /mails/{id}, handler send, request r2
                """,
                "worker 3 was running the task kept for 1.250 s, route /kept, request r3",
            ])
        #expect(board.unfinishedWork(ofProcess: 1).isEmpty && board.unfinishedWork(ofProcess: 99).isEmpty)
        #expect(board.unfinishedWork(ofProcess: -1).isEmpty)
    }

    @Test("Long text is cut at a character, and control characters become spaces")
    func text() throws {
        let board = try Self.make()
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        let worker = try process.takeWorker()
        let target = "/" + String(repeating: "ä", count: 100)
        worker.begin(
            method: Array("G\u{1b}[T\n".utf8)[...], target: Array(target.utf8)[...], request: [0xff, 0x41],
            at: .now)
        let shown = try #require(board.snapshot().processes.first?.workers.first)
        #expect(shown.method == "G [T ")
        #expect(shown.target == "/" + String(repeating: "ä", count: 63) + "…")
        #expect(shown.request == "\u{fffd}A")
    }
}
