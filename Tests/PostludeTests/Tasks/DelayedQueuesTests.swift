import PostludeManifest
import PostludeSystem
import Testing

@testable import Postlude

@Suite("DelayedQueues")
struct DelayedQueuesTests {
    private func queue(_ id: String) -> TaskQueue {
        TaskQueue(of: RequestIdentity(id: id, route: "/"), limits: .init(), logger: RecordedLog().logger)
    }

    private func time(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }

    @Test("queues continue when their time has come, the earliest first")
    func order() {
        var resting = DelayedQueues()
        for (id, due) in [("c", 30), ("a", 10), ("b", 20), ("a2", 10)] as [(String, Int64)] {
            resting.add(queue(id), until: time(due))
        }
        #expect(resting.takeDue(at: time(9)).isEmpty)
        #expect(resting.takeDue(at: time(20)).map(\.requestID) == ["a", "a2", "b"])
        #expect(!resting.isEmpty)
        #expect(resting.takeAll().map(\.requestID) == ["c"])
        #expect(resting.isEmpty)
    }

    @Test("a worker waits until the first queue's time, rounded up, and at most its own limit")
    func wait() {
        var resting = DelayedQueues()
        #expect(resting.milliseconds(at: time(0), atMost: 500) == 500)
        resting.add(queue("a"), until: time(100))
        #expect(resting.milliseconds(at: time(0), atMost: 500) == 100)
        #expect(resting.milliseconds(at: time(0), atMost: 50) == 50)
        #expect(resting.milliseconds(at: MonotonicTime(nanoseconds: 99_999_999), atMost: 500) == 1)
        #expect(resting.milliseconds(at: time(100), atMost: 500) == 0)
        #expect(resting.milliseconds(at: time(200), atMost: 500) == 0)
        resting.add(queue("b"), until: MonotonicTime(nanoseconds: .max))
        #expect(resting.takeDue(at: time(100)).count == 1)
        #expect(resting.milliseconds(at: time(0), atMost: .max) == .max)
    }
}
