import Foundation
import Logging
import MetricsTestKit
import PostludeScoreboard
import Testing

@testable import Postlude

/// Compares the page about metrics and states with the code.
@Suite("The observability page")
struct ObservabilityPageTests {
    private struct Metric: Hashable, CustomStringConvertible {
        var name: String
        var kind: String
        var labels: [String]

        var description: String { "\(name) (\(kind)) {\(labels.joined(separator: ","))}" }
    }

    private struct Inspector: TaskInspector {
        let library = "SQLite"

        func report() throws -> StoredTaskReport {
            StoredTaskReport(names: [StoredTaskReport.Kind(name: "Job")], oldestAge: nil, deadLetters: [])
        }

        func deadLetters(after: Int64?, limit: Int) throws -> DeadLetterPage {
            DeadLetterPage(deadLetters: [], next: nil)
        }

        func find(_ id: String) throws -> FoundTasks { FoundTasks() }

        func perform(
            _ action: TaskAction, on target: String, key: String?, by who: String
        ) throws -> TaskActionResult {
            .changed
        }
    }

    /// The cells of each row of the table whose header begins with `first`.
    private func table(_ first: String) throws -> [[String]] {
        try Repository.table(first, in: Repository.article("Observability"))
    }

    private static func names(in cell: String) -> [String] { Repository.names(in: cell).sorted() }

    private static func metric(_ cells: [String]) throws -> Metric {
        try #require(cells.count == 4 && !cells[3].isEmpty, "\(cells) says what it is")
        return Metric(name: names(in: cells[0]).first ?? "", kind: cells[1], labels: names(in: cells[2]))
    }

    /// The metrics of a server that has everything: a queue, routes, tasks, durable tasks.
    private func shown() throws -> Set<Metric> {
        let board = try Scoreboard(program: "shop", processes: 1, workers: 2, isShared: false)
        let process = try #require(board.process(at: 0))
        process.begin(generation: 3)
        process.count(task: "mail", waiting: .milliseconds(1))
        process.count(.done, task: "mail", taking: .milliseconds(3))
        let pages = TaskInspectionPages(Inspector(), allowsActions: false, logger: RecordedLog().logger)
        var report = StatusSource(board, application: nil, manager: "none", storedTasks: pages).report()
        (report.listenQueue, report.maxListenQueue, report.listenQueueLen) = (0, 0, 0)
        var totals = board.snapshot().totals
        totals.routes["/"] = RouteCounts()

        var found: [Metric] = []
        var labels: [String: Set<String>] = [:]
        for line in OpenMetrics(report, totals: totals).text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if line.hasPrefix("# TYPE ") {
                found.append(Metric(name: words[2], kind: words[3], labels: []))
            } else if line.hasPrefix("# UNIT "), let last = found.indices.last {
                found[last].kind += ", \(words[3])"
            } else if !line.hasPrefix("#"), let name = found.last?.name {
                let own = line.matches(of: #/[{,](\w+)="/#).map { String($0.1) }
                labels[name, default: []].formUnion(own)
            }
        }
        return Set(
            found.map { Metric(name: $0.name, kind: $0.kind, labels: (labels[$0.name] ?? []).sorted()) })
    }

    @Test("Exactly the OpenMetrics metrics are described, with type, unit and labels")
    func openMetrics() throws {
        let rows = try table("metric | type").map(Self.metric)
        let shown = try shown()
        #expect(Set(rows) == shown, "\(Set(rows).symmetricDifference(shown))")
        #expect(Set(rows.map(\.name)).count == rows.count)
    }

    @Test("Exactly the metrics of swift-metrics are described, with their dimensions")
    func swiftMetrics() throws {
        let metrics = TestMetrics()
        RequestMetrics(metrics).record(.milliseconds(1), method: "GET", route: "/", status: 200)
        TaskMetrics(metrics).count(.done, task: "mail", taking: .milliseconds(1))
        var measured: Set<Metric> = []
        for counter in metrics.counters {
            measured.insert(
                Metric(
                    name: counter.label, kind: "counter", labels: counter.dimensions.map(\.0).sorted()))
        }
        for timer in metrics.timers {
            measured.insert(
                Metric(name: timer.label, kind: "timer", labels: timer.dimensions.map(\.0).sorted()))
        }
        var rows: [Metric] = []
        for cells in try table("metric | kind") {
            var metric = try Self.metric(cells)
            if cells[2] == "the same" { metric.labels = rows.last?.labels ?? [] }
            rows.append(metric)
        }
        #expect(Set(rows) == measured, "\(Set(rows).symmetricDifference(measured))")
    }

    @Test("Each state of a worker and of a process, and each result of a task, is described")
    func states() throws {
        let workers = try table("state of a worker").map { Self.names(in: $0[0]) }
        #expect(Set(workers) == Set(WorkerState.allCases.map { [$0.label] }))
        let processes = try table("state of a process").map { Self.names(in: $0[0]) }
        let states = ProcessState.allCases.filter { $0 != .free }
        #expect(Set(processes) == Set(states.map { [$0.label] }))
        let marks = try table("mark").map { Self.names(in: $0[0]) }
        #expect(Set(marks) == Set(StatusReport.Mark.Kind.allCases.map { [$0.rawValue] }))
        let outcomes = try table("outcome of a task").map { Self.names(in: $0[0]) }
        #expect(Set(outcomes) == Set(TaskOutcome.allCases.map { [$0.rawValue] }))
        let problems = try table("kind of a problem").map { [Self.names(in: $0[0]), Self.names(in: $0[1])] }
        #expect(
            Set(problems) == Set(StatusProblem.Kind.allCases.map { [[$0.rawValue], [$0.level.rawValue]] }))
    }
}
