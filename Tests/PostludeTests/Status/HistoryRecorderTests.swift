import Foundation
import PostludeSystem
import Testing

@testable import Postlude
@testable import PostludeScoreboard

@Suite("The history of the status page")
struct HistoryRecorderTests {
    /// A scoreboard with a process, and a recorder whose seconds a test lets pass.
    private struct Fixture {
        let board: Scoreboard
        let process: ProcessSlot
        var recorder: HistoryRecorder
        var now = 1_800_000_000
        private var uptime: Duration = .zero

        init(adopting board: Scoreboard? = nil, generation: Int = 1) throws {
            let board = try board ?? Scoreboard(program: "shop", processes: 2, workers: 4, isShared: false)
            self.board = board
            board.claim(process: 0)
            process = try #require(board.process(at: 0))
            process.begin(generation: generation)
            recorder = HistoryRecorder(board, board.snapshot(), at: now)
            uptime = board.snapshot().uptime
        }

        mutating func pass(seconds: Int = 1) {
            now += seconds
            uptime += .seconds(seconds)
            var snapshot = board.snapshot()
            snapshot.uptime = uptime
            recorder.record(snapshot, at: now, in: board)
        }

        func history(_ range: StatusReport.HistoryRange = .init()) -> StatusReport.History {
            StatusReport.History(seconds: board.seconds, minutes: board.minutes, range)
        }
    }

    @Test("A second has what was counted in it, and its minute adds up its seconds")
    func counts() throws {
        var fixture = try Fixture()
        let (process, route) = (fixture.process, CountedRoute("/"))
        fixture.pass()
        for _ in 1...4 { process.count(CountedAnswer(status: 200, route: route), taking: .milliseconds(10)) }
        process.count(CountedAnswer(status: 500, route: route), taking: .seconds(1))
        process.count(requestWaiting: .milliseconds(300))
        process.count(task: "mail", waiting: .seconds(3))
        process.count(.done, task: "mail", taking: .milliseconds(1))
        process.count(.failed, task: "mail", taking: .milliseconds(1))
        let worker = try process.takeWorker()
        worker.begin(method: [], target: [], request: [], at: .now)
        fixture.pass()
        worker.becomeIdle(at: .now)
        fixture.pass()
        let history = fixture.history()
        let seconds = try #require(history.seconds)
        #expect(seconds.map(\.requests) == [0, 5, 0] && seconds.map(\.activeWorkers) == [0, 1, 0])
        #expect(seconds.map(\.time) == (0...2).map { 1_800_000_000 + $0 })
        #expect(seconds.allSatisfy { (0.9...1.1).contains($0.seconds) })
        #expect(
            seconds[1].responses == ["2xx": 4, "5xx": 1] && seconds[1].tasks == ["done": 1, "failed": 1])
        let duration = try #require(seconds[1].requestDuration)
        #expect((0.009...0.012).contains(duration.p50) && duration.p99 > 0.8)
        #expect((0.25...0.35).contains(try #require(seconds[1].requestWait).p95))
        #expect((2.5...3.5).contains(try #require(seconds[1].taskWait).p50))
        #expect(seconds[2].requestDuration == nil && seconds[2].requestWait == nil)
        let minute = try #require(history.minutes?.first)
        #expect(history.minutes?.count == 1 && minute.requests == 5 && minute.activeWorkers == 1)
        #expect(minute.requestDuration?.p99 ?? 0 > 0.8 && minute.time == 1_800_000_000)
        #expect((2.9...3.1).contains(minute.seconds))
    }

    @Test("A minute begins with the clock's")
    func minutes() throws {
        var fixture = try Fixture()
        for _ in 1...130 {
            fixture.process.count(CountedAnswer(status: 200, route: nil), taking: .zero)
            fixture.pass()
        }
        let minutes = try #require(fixture.history().minutes)
        #expect(minutes.map { $0.time - 1_800_000_000 } == [0, 60, 120])
        #expect(minutes.map(\.requests) == [60, 60, 10])
    }

    @Test("Starts, upgrades, manifests and ends of processes are marks")
    func marks() throws {
        var fixture = try Fixture()
        fixture.pass()
        fixture.process.set(generation: 2)
        fixture.pass()
        fixture.board.note(endOf: 7, signal: 9, status: 0)
        fixture.board.release(process: 0)
        fixture.pass()
        fixture.board.claim(process: 0)
        fixture.board.claim(process: 1)
        fixture.board.process(at: 0)?.begin(generation: 2)
        fixture.pass()
        fixture.board.release(process: 1)
        fixture.pass()
        var next = try Fixture(adopting: fixture.board, generation: 2)
        next.now = fixture.now
        next.pass()
        typealias Mark = StatusReport.Mark
        let start = 1_800_000_000
        let marks = fixture.history().marks
        #expect(
            marks.prefix(4) == [
                Mark(time: start, kind: .start, count: nil, generation: nil),
                Mark(time: start + 1, kind: .reload, count: nil, generation: 2),
                Mark(time: start + 2, kind: .death, count: 1, generation: nil),
                Mark(time: start + 4, kind: .restart, count: 1, generation: nil),
            ], "\(marks)")
        #expect(marks.map(\.kind) == [.start, .reload, .death, .restart, .upgrade], "\(marks)")
    }

    @Test("Marks that are older than an hour come from the minutes")
    func oldMarks() {
        func row(at time: Int, generation: Int) -> HistoryRow {
            var row = HistoryRow()
            (row.time, row.program, row.generation) = (1_800_000_000 + time, 1, generation)
            return row
        }
        let minutes = (0..<100).map { row(at: $0 * 60, generation: $0 < 20 ? 1 : 2) }
        let seconds = (2370..<5970).map { row(at: $0, generation: $0 < 5000 ? 2 : 3) }
        let marks = StatusReport.History(seconds: seconds, minutes: minutes, .init()).marks
        #expect(marks.map(\.kind) == [.start, .reload, .reload])
        #expect(marks.map { $0.time - 1_800_000_000 } == [0, 1200, 5000])
    }

    @Test("A process that has died and is replaced a second later is one mark")
    func lateEnd() {
        var (first, second) = (HistoryRow(), HistoryRow())
        (first.program, first.deaths, second.program, second.replaced) = (1, 1, 1, 2)
        let marks = StatusReport.History.marks(in: [first, second])
        #expect(marks.map(\.kind) == [.start, .death, .restart] && marks.map(\.count) == [nil, 1, 1])
    }

    @Test("A reader gets only what it asks for")
    func ranges() throws {
        var fixture = try Fixture()
        for _ in 1...70 { fixture.pass() }
        var range = StatusReport.HistoryRange()
        range.after = 1_800_000_000 + 65
        let later = fixture.history(range)
        #expect(later.seconds?.map { $0.time - 1_800_000_000 } == [66, 67, 68, 69])
        #expect(later.minutes?.map { $0.time - 1_800_000_000 } == [60] && later.marks.isEmpty)
        range = StatusReport.HistoryRange(hasSeconds: false)
        #expect(fixture.history(range).seconds == nil && fixture.history(range).minutes?.count == 2)
        range = StatusReport.HistoryRange(hasMinutes: false)
        #expect(fixture.history(range).minutes == nil && fixture.history(range).seconds?.count == 70)
    }

    @Test("Whatever the memory contains, the report can be made and shown")
    func noise() throws {
        let board = try Scoreboard(program: "shop", processes: 1, workers: 1, isShared: true)
        for index in board.layout.history..<board.layout.byteCount / 8 {
            board.words[index] = Bool.random() ? .random(in: 0 ... .max) : .random(in: 0...5)
        }
        let source = StatusSource(board, application: nil, manager: "supervisor")
        for _ in 1...2 { source.sample() }
        let report = source.report(history: .init())
        _ = try JSONEncoder().encode(report)
        #expect(!"\(StatusTable(report))".isEmpty)
    }

    @Test("The terminal shows the last hour, a character for each minute, and the last marks")
    func table() throws {
        var fixture = try Fixture()
        for minute in 1...3 {
            for _ in 1...(minute * 60) {
                fixture.process.count(CountedAnswer(status: 200, route: nil), taking: .milliseconds(20))
            }
            for _ in 1...60 { fixture.pass() }
        }
        let text = "\(HistoryTable(fixture.history()))"
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("requests per second") })
        #expect(line.contains(#/▃▆█ +3\.0 +3\.0/#), "\(text)")
        #expect(text.hasSuffix("2027-01-15T08:00:00Z started"), "\(text)")
        #expect("\(HistoryTable(StatusReport.History(seconds: [], minutes: [], .init())))".isEmpty)
    }
}
