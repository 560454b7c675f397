import Foundation
import Postlude
import PostludeManifest
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("Schedules") struct SchedulesTests {
    private struct Job: DurableTask {
        var number: Int
        func run(_ context: TaskContext) async throws {}
    }

    /// It ends when the test asks it to.
    private final class Clock: Sendable {
        private let time: Lock<Date>

        init(_ time: Date) { self.time = Lock(time) }

        var now: Date { time.withLock { $0 } }

        func go(to time: Date) { self.time.withLock { $0 = time } }
    }

    /// A process with the task store open. All processes of a test share a clock.
    private final class Process {
        let taskStore: SQLiteTaskStore
        let schedules: Schedules

        init(_ path: String, clock: Clock, log: LogLines, _ yaml: String) throws {
            var settings = TaskStoreSettings()
            settings.now = { clock.now }
            taskStore = try SQLiteTaskStore(path: path, settings: settings)
            let kinds = DurableTaskKinds([DurableTaskKind(Job.self)])
            schedules = Schedules(
                in: TaskStoreAccess(taskStore: taskStore, outbox: nil), kinds: { kinds }, logger: log.logger,
                now: { clock.now })
            schedules.use(try SchedulesTests.schedules(yaml))
            _ = try schedules.fireDue()
        }

        deinit { try? taskStore.close() }
    }

    private let folder: TestDirectory
    private let clock: Clock
    private let log = LogLines()

    init() throws {
        folder = try TestDirectory()
        clock = Clock(try Self.date("2026-03-01T12:00:30Z"))
    }

    private static func date(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

    private static func schedules(_ yaml: String) throws -> [Manifest.Schedule] {
        try Manifest.parse(
            "schedules: \(yaml)\nroutes: [{ path: /, method: GET, handler: home }]\n", file: "routes.yaml",
            handlers: ["home"], environment: [:]
        ).schedules
    }

    private func process(
        _ yaml: String = "{ minutely: { cron: '* * * * *', task: Job, arguments: { number: 7 } } }"
    ) throws -> Process {
        try Process(folder.path + "/tasks.sqlite", clock: clock, log: log, yaml)
    }

    private func go(to time: String) throws {
        clock.go(to: try Self.date(time))
    }

    private func records(_ taskStore: SQLiteTaskStore) throws -> [RecordSummary] {
        try taskStore.flush()
        return try taskStore.list(RecordFilter(), .newestFirst, after: nil, limit: 50).records
    }

    @Test("A time zone has a name of the tz database, not an abbreviation or an offset")
    func timeZones() throws {
        func mistakes(_ zone: String) throws -> [String] {
            let yaml =
                "{ daily: { cron: '0 3 * * *', time-zone: '\(zone)', task: Job, arguments: { number: 7 } } }"
            let manifest = try Manifest.parse(
                "schedules: \(yaml)\nroutes: [{ path: /, method: GET, handler: home }]\n",
                file: "routes.yaml",
                handlers: ["home"], environment: [:])
            return TaskSettingsCheck(kinds: DurableTaskKinds([DurableTaskKind(Job.self)]), broker: nil)
                .mistakes(in: manifest).map { "\($0)" }
        }
        for zone in [
            "UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Japan", "PRC", "ROC",
            "ROK", "UCT",
        ] {
            #expect(try mistakes(zone) == [])
        }
        for zone in [
            "BST", "EST", "CET", "IST", "GMT+5", "UTC+1", "+01:00", "Europe/Nowhere", "/etc/localtime",
            "europe",
        ] {
            let found = try mistakes(zone)
            #expect(
                found.count == 1 && found.allSatisfy { $0.contains("expected a name of the tz database") },
                "\(zone)")
        }
    }

    @Test("Dates in arguments are ISO 8601, and the file keeps them so")
    func dates() throws {
        struct Report: DurableTask {
            var until: Date
            func run(_ context: TaskContext) async throws {}
        }
        let kind = DurableTaskKind(Report.self)
        func payload(_ until: String) throws -> String {
            let yaml = "{ x: { cron: '* * * * *', task: Report, arguments: { until: \(until) } } }"
            let payloads = try SchedulesTests.schedules(yaml).map { try kind.payload(of: $0.arguments) }
            return payloads.map { String(decoding: $0, as: UTF8.self) }.joined()
        }
        #expect(try payload("2030-01-31T13:00+01:00") == #"{"until":"2030-01-31T12:00:00Z"}"#)
        #expect(try payload("'2030-01-31T12:00:00.5'") == #"{"until":"2030-01-31T12:00:00.500Z"}"#)
        #expect(try payload("917784000") == #"{"until":"2030-01-31T12:00:00Z"}"#)
        #expect(throws: DecodingError.self) { try payload("tomorrow") }
    }

    @Test("Of the processes that have the task store open, the first one fires, once for each time")
    func once() throws {
        let processes = try (1...3).map { _ in try process() }
        #expect(try records(processes[0].taskStore).isEmpty, "a new schedule waits for its next time")
        try go(to: "2026-03-01T12:01:00Z")
        for process in processes { _ = try process.schedules.fireDue() }
        let first = try records(processes[0].taskStore)
        #expect(first.map(\.request) == ["minutely@2026-03-01T12:01:00Z"])
        #expect(try processes[0].taskStore.record(first[0].id)?.payload == Data(#"{"number":7}"#.utf8))
        for process in processes { _ = try process.schedules.fireDue() }
        #expect(try records(processes[0].taskStore).count == 1)
    }

    @Test("Times missed while no process ran are made up for by one firing")
    func missed() throws {
        _ = try process()
        try go(to: "2026-03-01T15:10:10Z")
        let next = try process()
        #expect(try records(next.taskStore).map(\.request) == ["minutely@2026-03-01T15:10:00Z"])
        #expect(try next.schedules.fireDue() == .seconds(1), "it looks again before the next minute")
        #expect(try records(next.taskStore).count == 1)
    }

    @Test("While its last task is not over, a time is skipped, unless tasks may overlap")
    func overlap() throws {
        let arguments = "cron: '* * * * *', task: Job, arguments: { number: 1 }"
        let process = try process("{ one: { \(arguments) }, all: { \(arguments), overlap: run } }")
        for minute in 1...3 {
            try go(to: "2026-03-01T12:0\(minute):00Z")
            _ = try process.schedules.fireDue()
        }
        let names = try records(process.taskStore).map { $0.request.prefix(3) }
        #expect(names.count { $0 == "one" } == 1 && names.count { $0 == "all" } == 3)
        #expect(log.lines.count { $0.hasPrefix("warning a schedule's time is skipped") } == 2)
    }

    @Test("A schedule with other times is a new schedule: it does not make up for anything")
    func changed() throws {
        let process = try process()
        process.schedules.use(
            try Self.schedules("{ minutely: { cron: '0 9 * * *', task: Job, arguments: { number: 1 } } }"))
        try go(to: "2026-03-01T12:05:00Z")
        _ = try process.schedules.fireDue()
        #expect(try records(process.taskStore).isEmpty)
        try go(to: "2026-03-02T09:00:01Z")
        _ = try process.schedules.fireDue()
        #expect(try records(process.taskStore).map(\.request) == ["minutely@2026-03-02T09:00:00Z"])
    }

    @Test(
        "If the clock is set back by more than three hours, schedules continue from now in every process, and the log says so"
    )
    func setBack() throws {
        let processes = try (1...2).map { _ in try process() }
        try go(to: "2026-03-04T12:00:00Z")
        for process in processes { _ = try process.schedules.fireDue() }
        try go(to: "2026-03-01T12:30:10Z")
        for process in processes { _ = try process.schedules.fireDue() }
        try go(to: "2026-03-01T12:31:00Z")
        for process in processes { _ = try process.schedules.fireDue() }
        let fired = try records(processes[0].taskStore).map(\.request)
        // The first firing's task is not over, so that the second time is skipped.
        #expect(fired == ["minutely@2026-03-04T12:00:00Z"])
        #expect(log.lines.count { $0.hasPrefix("warning a schedule's time is skipped") } == 1)
        #expect(log.lines.count { $0.hasPrefix("warning the clock was set back") } == 1)
        // The same at the next start.
        try go(to: "2026-03-01T06:00:00Z")
        let next = try process()
        #expect(log.lines.count { $0.hasPrefix("warning the clock was set back") } == 2)
        #expect(try next.taskStore.lastFiring(of: next.taskStore.schedules()[0].schedule) == clock.now)
    }

    @Test("If the clock is set back by less, no time fires twice, unless the schedule is rescheduled")
    func setBackALittle() throws {
        let process = try process(
            "{ one: { cron: '* * * * *', task: Job, arguments: { number: 1 }, overlap: run } }")
        try go(to: "2026-03-01T13:00:00Z")
        _ = try process.schedules.fireDue()
        try go(to: "2026-03-01T12:10:00Z")
        _ = try process.schedules.fireDue()
        #expect(try records(process.taskStore).count == 1)
        let name = try #require(try process.taskStore.schedules().first).schedule
        #expect(try process.taskStore.restartSchedule(name, at: clock.now))
        #expect(try !process.taskStore.restartSchedule(name, at: clock.now), "it is not ahead any more")
        _ = try process.schedules.fireDue()
        try go(to: "2026-03-01T12:11:00Z")
        _ = try process.schedules.fireDue()
        #expect(try records(process.taskStore).map(\.request).first == "one@2026-03-01T12:11:00Z")
        #expect(!log.lines.contains { $0.hasPrefix("warning the clock was set back") })
    }
}
