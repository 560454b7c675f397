import Foundation
import PostludeSystem
import Testing

@testable import Postlude
@testable import PostludeScoreboard

@Suite("The status report")
struct StatusReportTests {
    private func board() throws -> (Scoreboard, ProcessSlot) {
        let board = try Scoreboard(program: "shop", processes: 2, workers: 4, isShared: false)
        let process = try #require(board.process(at: 1))
        process.begin(generation: 5)
        return (board, process)
    }

    @Test("Its JSON has php-fpm's names, and can be decoded")
    func json() throws {
        let (board, process) = try board()
        let worker = try process.takeWorker()
        worker.begin(method: Array("GET".utf8)[...], target: Array("/a?b".utf8)[...], request: [], at: .now)
        process.count(.slow)
        let source = StatusSource(board, application: nil, manager: "supervisor")
        for _ in 1...2 { source.sample() }
        let data = try JSONEncoder().encode(source.report(history: .init()))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        for key in [
            "pool", "process manager", "start time", "start since", "accepted conn", "max children reached",
            "slow requests", "processes",
        ] {
            #expect(object[key] != nil, "\(key)")
        }
        #expect(object["listen queue"] == nil)
        let report = try JSONDecoder().decode(StatusReport.self, from: data)
        #expect(report.slowRequests == 1 && report.activeWorkers == 1 && report.history?.seconds?.count == 1)
        #expect(report.processes.first?.generation == 5)
        #expect(report.processes.first?.workers.first?.requestURI == "/a?b")
        let table = "\(StatusTable(report))"
        #expect(table.contains("1 of 1 workers busy") && table.contains("GET /a?b"), "\(table)")
    }

    @Test("Each process reports why its tasks wait")
    func waitingTasks() throws {
        let (board, process) = try board()
        process.set(taskSlots: 2)
        let source = StatusSource(board, application: nil, manager: "supervisor")
        #expect(source.report().processes.first?.waitingTasks == nil)
        var counts = TaskCounts()
        counts.queued = 9
        counts.forWorker = 4
        counts.forAttempt = 3
        process.set(connections: 1, tasks: counts)
        let rest = "3 for their next attempt; 2 for their response, or for the task before them"
        #expect(
            source.report().processes.first?.waitingTasks
                == "4 for the worker that has answered their request, which is busy; \(rest)")
        let workers = try (1...2).map { _ in try process.takeWorker() }
        let request = ShownRequest(
            method: [], target: [], route: "", handler: "", id: "", duration: .zero)
        for worker in workers { worker.run(task: "task", of: request, remaining: 0, at: .now) }
        let report = source.report()
        #expect(
            report.processes.first?.waitingTasks
                == "4 for a worker: all 2 that may run tasks are busy; \(rest)")
        #expect("\(StatusTable(report))".contains("tasks wait: 4 for a worker"))
    }

    @Test(
        "The memory and processor time of each process are shown, and its share of a core in the last minute")
    func usage() throws {
        let (board, process) = try board()
        var history = StatusHistory()
        // Idle for two minutes, and busy with half a core since then.
        for second in 0..<150 {
            let time = Duration.milliseconds(max(0, second - 120) * 500)
            history.add(board.snapshot(at: second), nil) { _ in ProcessUsage(memory: 1, processorTime: time) }
        }
        let now = board.snapshot(at: 150)
        let key = try #require(now.processes.first.map(StatusHistory.ProcessKey.init))
        let usage = ProcessUsage(memory: 5 << 20, processorTime: .seconds(15))
        let report = StatusReport(
            now, manager: "none", queue: nil, history: history, usage: [key: usage])
        let shown = try #require(report.processes.first)
        #expect(shown.memory == 5 << 20 && shown.processorTime == 15)
        #expect((0.22...0.28).contains(try #require(shown.processorShare)))
        #expect("\(StatusTable(report))".contains("5 MiB"))
        // The kernel's figures of this process.
        let source = StatusSource(board, application: nil, manager: "none")
        #expect(source.report().processes.first?.memory ?? 0 > 1 << 20)
        withExtendedLifetime(process) {}
    }

    @Test("Each route and each kind of tasks has its rate, errors, percentiles and share of the time")
    func load() throws {
        let (board, process) = try board()
        var history = StatusHistory()
        process.count(CountedAnswer(status: 200, route: CountedRoute("/old")), taking: .seconds(100))
        process.count(task: "mail", waiting: .seconds(100))
        history.add(board.snapshot(at: 1000), nil)
        for number in 1...10 {
            process.count(
                CountedAnswer(status: number > 8 ? 500 : 200, route: CountedRoute("/a")), taking: .seconds(1))
            process.count(CountedAnswer(status: 404, route: CountedRoute("/b")), taking: .seconds(2))
            process.count(task: "mail", waiting: .seconds(number))
            process.count(number > 5 ? .retried : .done, task: "mail", taking: .seconds(3))
        }
        process.count(.dropped, task: "mail", taking: nil)
        let report = StatusReport(board.snapshot(at: 1100), manager: "none", queue: nil, history: history)
        let loads = Dictionary(
            uniqueKeysWithValues: report.routes.compactMap { route in route.load.map { (route.route, $0) } })
        let (first, second) = (try #require(loads["/a"]), try #require(loads["/b"]))
        #expect(first.perSecond == 0.1 && first.errors == 0.2 && first.meanDuration == 1)
        #expect(second.errors == 0 && second.meanDuration == 2 && loads["/old"]?.perSecond == 0)
        #expect(loads["/old"]?.meanDuration == 0 && loads["/old"]?.timeShare == 0)
        #expect(
            loads["/old"]?.duration == nil && report.routes.first { $0.route == "/old" }?.duration.count == 1)
        for (load, exact) in [(first, 1.0), (second, 2)] {
            let times = try #require(load.duration)
            #expect([times.p50, times.p95, times.p99].allSatisfy { abs($0 / exact - 1) <= 0.125 })
            #expect(load.wait == nil)
        }
        let kind = try #require(report.tasks.names.first)
        let mail = try #require(kind.load)
        // Not those before the five minutes.
        let wait = try #require(mail.wait)
        #expect(abs(wait.p50 / 5 - 1) <= 0.125 && abs(wait.p95 / 10 - 1) <= 0.125)
        #expect(kind.wait.count == 11 && abs((kind.wait.p99 ?? 0) / 100 - 1) <= 0.125)
        #expect(mail.perSecond == 0.1 && mail.errors == 0.5 && mail.meanDuration == 3)
        #expect(abs(first.timeShare - 1.0 / 6) < 0.001 && abs(mail.timeShare - 0.5) < 0.001)
        let table = "\(StatusTable(report))"
        for part in ["P95", "TIME", "16.7 %", "WAIT P95"] { #expect(table.contains(part), "\(table)") }
    }

    @Test("The percentiles of the last minutes follow an incident that those since the start do not show")
    func recent() throws {
        let (board, process) = try board()
        var history = StatusHistory()
        let route = CountedRoute("/")
        func pass(seconds: Range<Int>, each count: Int, status: Int, taking time: Duration)
            -> ScoreboardSnapshot
        {
            var last = board.snapshot()
            for second in seconds {
                for _ in 1...count {
                    process.count(CountedAnswer(status: status, route: route), taking: time)
                    process.count(.done, task: "mail", taking: time)
                }
                last = board.snapshot()
                last.uptime = .seconds(second)
                history.add(last, nil)
            }
            return last
        }
        #expect(history.counts(of: .minute, before: board.snapshot()) == nil)
        _ = pass(seconds: 0..<1000, each: 70, status: 200, taking: .milliseconds(1))
        let now = pass(seconds: 1000..<1120, each: 5, status: 500, taking: .seconds(2))
        let report = StatusReport(now, manager: "none", queue: nil, history: history)
        #expect(report.requestDuration.p99 ?? 1 < 0.01)
        let minute = try #require(report.lastMinute)
        #expect((60..<66).contains(minute.seconds))
        #expect(minute.requestDuration.p50 ?? 0 > 1.5)
        #expect(minute.responses["5xx"] ?? 0 >= 300 && minute.responses["2xx"] == 0)
        let fiveMinutes = try #require(report.lastFiveMinutes)
        #expect((300..<306).contains(fiveMinutes.seconds))
        #expect(fiveMinutes.requestDuration.p50 ?? 1 < 0.01 && fiveMinutes.requestDuration.p99 ?? 0 > 1.5)
        #expect(fiveMinutes.responses["5xx"] == 600 && fiveMinutes.responses["2xx"] ?? 0 >= 12_000)
        let mail = try #require(report.tasks.names.first)
        #expect(mail.duration.p99 ?? 1 < 0.01 && mail.lastMinute?.p99 ?? 0 > 1.5)
        #expect(mail.lastFiveMinutes?.p99 ?? 0 > 1.5)
        let table = "\(StatusTable(report))"
        for part in ["last minute ", "last 5 minutes ", "since the start ", "P99 1 MIN"] {
            #expect(table.contains(part), "\(table)")
        }
    }

    @Test("Times are shown with a suitable unit")
    func times() {
        let shown = [-1e300, 0, 0.000_25, 0.012, 1.25, 119, 600, 7200, 1e9, 1e300].map(StatusTable.time)
        #expect(
            shown == [
                "0 us", "0 us", "250 us", "12 ms", "1.2 s", "119.0 s", "10 min", "2 h", "11574 days",
                "11574074074 days",
            ])
    }
}

extension Scoreboard {
    /// Returns a snapshot of a server that has run for some seconds.
    fileprivate func snapshot(at seconds: Int) -> ScoreboardSnapshot {
        var snapshot = self.snapshot()
        snapshot.uptime = .seconds(seconds)
        return snapshot
    }
}
