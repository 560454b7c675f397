import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Starts of workers", .timeLimit(.minutes(10)))
struct WorkerStartsTests {
    private let starts = WorkerStarts()

    /// Reports `results` on another thread, each after the one before, and returns what `wait` returns on this one.
    private func wait(for count: Int, _ results: [Bool]) async throws -> Bool {
        try await onThread { [starts] in
            try WorkerThread(name: "results") {
                for hasStarted in results { hasStarted ? starts.succeeded() : starts.failed() }
            }.detach()
            return starts.wait(for: count)
        }
    }

    @Test("A process waits until each of its first workers has started or failed to")
    func waits() async throws {
        #expect(try await wait(for: 3, [true, true, true]))
        #expect(try await wait(for: 5, [false, true]))
    }

    @Test("If no worker has started, there is nothing to report as ready")
    func failures() async throws {
        #expect(try await wait(for: 2, [false, false]) == false)
        #expect(starts.wait(for: 0), "none was to start")
    }

    @Test("After a failure, the next start has to wait; after a success, the back-off begins anew")
    func backoff() {
        let now = MonotonicTime.now
        #expect(starts.isBackoffOver(at: now))
        starts.failed()
        #expect(!starts.isBackoffOver(at: now + .milliseconds(50)))
        starts.failed()
        starts.succeeded()
        starts.failed()
        #expect(starts.isBackoffOver(at: .now + .milliseconds(150)), "not 400 ms, as without the success")
    }
}
