import PostludeSystem
import PostludeThreads
import Synchronization
import Testing

@testable import PostludeScoreboard

@Suite("Readers and writers at once", .timeLimit(.minutes(10)))
struct ConcurrencyTests {
    private final class Flag: Sendable {
        let value = Atomic<Bool>(false)
    }

    @Test("A reader sees text of one write, or reports that it is torn")
    func consistent() throws {
        let board = try ScoreboardTests.make()
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        let isOver = Flag()
        let route = CountedRoute("/")
        let writer = try WorkerThread(name: "writer") {
            guard let worker = try? process.takeWorker() else { return }
            var number = 0
            while !isOver.value.load(ordering: .relaxed) {
                number += 1
                let text = Array(String(repeating: "\(number % 10)", count: 16).utf8)[...]
                worker.begin(method: text, target: text, request: text, at: .now)
                worker.finish(CountedAnswer(status: 200, route: route), at: .now)
                worker.becomeIdle(at: .now)
            }
        }
        var seen: Set<String> = []
        var whole = 0
        while whole < 2000 || seen.count < 3 {
            guard let row = board.snapshot().processes[0].workers.first, !row.isTorn else { continue }
            whole += 1
            guard row.method == row.target, row.target == row.request else {
                Issue.record("\(row.method), \(row.target) and \(row.request) in one piece")
                break
            }
            seen.insert(row.method)
        }
        isOver.value.store(true, ordering: .relaxed)
        writer.join()
        let requests = board.snapshot().totals.requests
        #expect(requests > 0 && board.snapshot().totals.requestTimes.total == requests)
    }
}
