import Foundation
import Postlude
import PostludeDurable
import PostludeRecordStoreFixtures
import PostludeTesting
import Synchronization
import Testing

@Suite("An application is explored with a crash at each point", .timeLimit(.minutes(20)))
struct ExplorationTests {
    private static let faults: [any PlantedFault.Type] = [
        ChargeInHandler.self, TaskForEachRequest.self, UniqueUntilDone.self, ReceiptInMemory.self,
        EnqueuedAfterResponse.self, RowBeforeTask.self, TaskBeforeRow.self, WrittenBehind.self,
        NotedInMemory.self, CallWithoutKey.self, KeyOfAttempt.self, CallInLoop.self, TwoCallsInStep.self,
        SwallowedError.self, EntryBeforeEnd.self, MarkedAfterCall.self, MarkedBeforeCall.self,
        OneAttempt.self, ChildOfEachAttempt.self, CursorAhead.self,
    ]

    /// With `Tests/run --full`, explorations are longer, and more often repeated.

    @Test("20 of 20 planted faults are found, each within 10 seconds", arguments: 0..<20)
    func found(index: Int) async throws {
        let fault = Self.faults[index]
        let began = ContinuousClock.now
        let failure = try #require(
            await #expect(throws: ExplorationFailure.self) { _ = try await fault.explore(isRepaired: false) })
        let time = ContinuousClock.now - began
        // The limit is for a machine that has nothing else to do.
        #expect(time < .seconds(isLongRun ? 10 : 120), "\(fault): \(time)")
        #expect(1...2 ~= failure.schedule.count)
        #expect(failure.description.contains("(seed 1):\n- \(failure.schedule[0])"))
    }

    /// Without `--full`, one application of each kind.
    private static let repairedFaults = isLongRun ? Array(0..<20) : [0, 3, 5, 12, 16, 18]

    @Test("Without their faults the same applications pass", arguments: repairedFaults)
    func repaired(index: Int) async throws {
        let fault = Self.faults[index]
        let exploration = try await fault.explore(isRepaired: true, schedules: isLongRun ? 200 : 0)
        #expect(exploration.points.count >= 3)
        #expect(exploration.schedules.first == [])
    }

    @Test("The same seed finds the same schedule each time")
    func seeds() async throws {
        func failure(seed: UInt64) async throws -> ExplorationFailure {
            let app = try await TestApplication(
                TwoFailures(), manifest: "routes: [{ path: /orders, method: POST, handler: order }]")
            return try #require(
                await #expect(throws: ExplorationFailure.self) {
                    try await app.explore(.post("/orders"), seed: seed) { process in
                        TwoFailures(process: process)
                    } check: { app in
                        try app.expect("charge", times: 1)
                    }
                })
        }
        let first = try await failure(seed: 7)
        #expect(first.schedule.count == 2 && first.seed == 7)
        for _ in 0..<(isLongRun ? 1000 : 20) {
            let other = try await failure(seed: 7)
            #expect(other.schedule == first.schedule && other.course == first.course)
        }
    }

    @Test("The same seed explores the same schedules of durable tasks, and another one others")
    func schedules() async throws {
        let first = try await NotedInMemory.explore(isRepaired: true, seed: 3, schedules: 3)
        let second = try await NotedInMemory.explore(isRepaired: true, seed: 3, schedules: 3)
        #expect(first == second)
        let other = try await NotedInMemory.explore(isRepaired: true, seed: 4, schedules: 3)
        #expect(first.schedules != other.schedules && first.points == other.points)
    }

    @Test("Code of a dead process sees nothing of the crash, and has no effect any more")
    func unseen() async throws {
        let app = try await TestApplication(
            Catching(), manifest: "routes: [{ path: /orders, method: POST, handler: order }]")
        let processes = Mutex<[Catching]>([])
        let exploration = try await app.explore(.post("/orders"), deviations: 1) { process in
            let application = Catching(process: process)
            processes.withLock { processes in
                if process.number == 1 { processes = [] }
                processes.append(application)
            }
            return application
        } check: { app in
            let errors = processes.withLock { $0.reduce(0) { $0 + $1.seen.errors } }
            try app.expect(app.calls(to: "refund").count == errors, "a dead process has seen its death")
        }
        #expect(
            exploration.points == [
                "the process dies after its start and before the call of charge",
                "the process dies after the call of charge and before the answer 200",
            ])
    }
}

/// An application that forgets an order only if two calls fail.
private struct TwoFailures: Application {
    var process: ExploredProcess?

    var handlers: Handlers {
        Handler("order") { () -> String in
            for _ in 1...2 {
                if (try? process?.call("charge", key: "7")) != nil { break }
            }
            return "charged"
        }
    }
}

/// The number of errors that the code of a process has seen.
private final class Seen: Sendable {
    private let count = Mutex(0)
    var errors: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}

/// An application that catches every error of a call.
private struct Catching: Application {
    var process: ExploredProcess?
    let seen = Seen()

    var handlers: Handlers {
        Handler("order") { () -> String in
            do {
                try process?.call("charge", key: "7")
            } catch {
                seen.add()
                try? process?.call("refund", key: "7")
            }
            return "charged"
        }
    }

    init() {}
    init(process: ExploredProcess) { self.process = process }
}
