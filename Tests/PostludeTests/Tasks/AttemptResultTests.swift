import MetricsTestKit
import PostludeScoreboard
import Testing

@testable import Postlude

@Suite("AttemptResult")
struct AttemptResultTests {
    private enum Failure: Error { case first, second }

    private static let all: [(result: AttemptResult, outcome: TaskOutcome?)] = [
        (.done, .done), (.retried(Failure.first, after: .seconds(1)), .retried),
        (.failed(Failure.first), .failed),
        (.moved(Failure.first, to: "slow"), .retried), (.released(Failure.first), .retried),
        (.released(nil), nil),
        (.postponed(Failure.first, for: .seconds(1), counts: true), .retried),
        (.postponed(Failure.first, for: .seconds(1), counts: false), nil), (.discarded("gone"), .dropped),
        (.dropped, .dropped), (.stopped(by: "a", id: nil), .dropped), (.cancelled, .dropped), (.cutOff, nil),
    ]

    @Test(
        "an attempt is counted once, alike in metrics and on the status page; another process's work is not"
    )
    func counted() throws {
        for (result, outcome) in Self.all {
            let metrics = TestMetrics()
            let board = try Scoreboard(program: "shop", processes: 1, workers: 1, isShared: false)
            let process = try #require(board.process(at: 0))
            process.begin(generation: 1)
            let registry = TaskRegistry(metrics: TaskMetrics(metrics), process: process)
            registry.count(result, of: BackgroundTask(name: "a", function: .sync {}), taking: .seconds(1))
            #expect(result.outcome == outcome)
            let counted = metrics.counters.map { Dictionary(uniqueKeysWithValues: $0.dimensions) }
            #expect(
                counted.compactMap { $0["postlude.task.outcome"] } == [outcome?.rawValue].compactMap(\.self))
            let totals = board.snapshot().totals
            let shown: [(TaskOutcome, ProcessCounter)] = [
                (.done, .tasksDone), (.retried, .tasksRetried), (.failed, .tasksFailed),
                (.dropped, .tasksDropped),
            ]
            #expect(shown.filter { totals[$0.1] == 1 }.map(\.0) == [outcome].compactMap(\.self))
        }
    }

    @Test("keeps everything but the error if the store has another one")
    func mapped() {
        for (result, _) in Self.all {
            let old = "\(result)"
            let new = "\(result.mapError { _ in Failure.second })"
            #expect(new == old.replacing("first", with: "second"))
        }
    }
}
