import PostludeSystem
import Testing

@testable import PostludeScoreboard

@Suite("The history on the scoreboard", .timeLimit(.minutes(10)))
struct HistoryTests {
    private static func row(at time: Int, program: Int = 1, busy: Int = 0) -> HistoryRow {
        var row = HistoryRow()
        (row.time, row.program, row.busyWorkers, row.length) = (time, program, busy, .seconds(1))
        return row
    }

    @Test("A row keeps everything, and another program that adopts the memory reads it")
    func whole() throws {
        let board = try ScoreboardTests.make()
        #expect(board.seconds.isEmpty && board.minutes.isEmpty && board.beginHistory() == 1)
        var row = Self.row(at: 1_800_000_000)
        for status in StatusClass.allCases { row.answers[status] = UInt64(status.rawValue + 1) }
        row.answers.time = .milliseconds(1500)
        var times = LatencyHistogram()
        for milliseconds in 1...100 as ClosedRange<Int64> { times.add(.milliseconds(milliseconds)) }
        row.requestTimes = Percentiles(times)
        times.add(.seconds(9))
        row.requestWaits = Percentiles(times)
        times.add(.seconds(90))
        row.taskWaits = Percentiles(times)
        row.tasks = [.done: 5, .failed: 4, .retried: 3, .dropped: 2]
        (row.workers, row.queuedTasks, row.deaths, row.replaced, row.generation) = (9, 8, 7, 6, 5)
        board.add(second: row)
        board.set(minute: row)
        let child = try ScoreboardTests.adopt(board)
        #expect(child.seconds == [row] && child.minutes == [row])
        #expect(child.seconds.first?.requestTimes.p95 ?? .zero > .milliseconds(80))
        #expect(child.beginHistory() == 2)
    }

    @Test("It keeps the last hour and the last day, whatever happens to processes")
    func size() throws {
        let board = try ScoreboardTests.make()
        for second in 1...3610 { board.add(second: Self.row(at: second)) }
        for minute in 1...1450 { board.set(minute: Self.row(at: minute * 60)) }
        board.claim(process: 0)
        board.release(process: 0)
        #expect(board.seconds.map(\.time) == Array(11...3610))
        #expect(board.minutes.map(\.time) == (11...1450).map { $0 * 60 })
        // A larger scoreboard takes it over.
        let larger = try ScoreboardTests.make(processes: 5, workers: 9)
        larger.copyHistory(of: board)
        #expect(larger.seconds == board.seconds && larger.minutes == board.minutes)
        #expect(larger.snapshot().processes.isEmpty && larger.snapshot().totals.requests == 0)
    }

    @Test("A minute is replaced until it is over; one that two programs share has a row of each")
    func minutes() throws {
        let board = try ScoreboardTests.make()
        for busy in 1...3 { board.set(minute: Self.row(at: 60, busy: busy)) }
        #expect(board.minutes.map(\.busyWorkers) == [3])
        board.set(minute: Self.row(at: 120, busy: 7))
        board.set(minute: Self.row(at: 120, program: 2, busy: 8))
        board.set(minute: Self.row(at: 120, program: 2, busy: 9))
        #expect(board.minutes.map(\.busyWorkers) == [3, 7, 9])
    }

    @Test("Waiting times are counted by several workers, and stay when their process has ended")
    func waits() throws {
        let board = try ScoreboardTests.make(processes: 1)
        board.claim(process: 0)
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        process.set(workersLimit: 12)
        #expect(board.snapshot().processes.first?.workersLimit == 12)
        try process.takeWorker().countWait(.milliseconds(30))
        try process.takeWorker().countWait(.milliseconds(10))
        process.count(task: "mail", waiting: .seconds(2))
        process.count(task: "mail", waiting: .seconds(4))
        process.count(task: "report", waiting: .seconds(1))
        for _ in 1...2 {
            let totals = board.snapshot().totals
            #expect(totals.requestWaits.times.total == 2 && totals.requestWaits.time == .milliseconds(40))
            let waits = try #require(totals.tasks["mail"]?.waits)
            #expect(waits.times.total == 2 && waits.time == .seconds(6))
            #expect(totals.tasks.waits.times.total == 3 && totals.tasks.waits.time == .seconds(7))
            board.release(process: 0)
        }
    }
}
