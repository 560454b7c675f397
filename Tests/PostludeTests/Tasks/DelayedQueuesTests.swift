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
        var delayed = DelayedQueues()
        for (id, due) in [("c", 30), ("a", 10), ("b", 20), ("a2", 10)] as [(String, Int64)] {
            delayed.add(queue(id), until: time(due))
        }
        #expect(delayed.takeDue(at: time(9)).isEmpty)
        #expect(delayed.takeDue(at: time(20)).map(\.requestID) == ["a", "a2", "b"])
        #expect(!delayed.isEmpty)
        #expect(delayed.takeAll().map(\.requestID) == ["c"])
        #expect(delayed.isEmpty)
    }

    @Test("a worker waits until the first queue's time, rounded up, and at most its own limit")
    func wait() {
        var delayed = DelayedQueues()
        #expect(delayed.milliseconds(at: time(0), atMost: 500) == 500)
        delayed.add(queue("a"), until: time(100))
        #expect(delayed.milliseconds(at: time(0), atMost: 500) == 100)
        #expect(delayed.milliseconds(at: time(0), atMost: 50) == 50)
        #expect(delayed.milliseconds(at: MonotonicTime(nanoseconds: 99_999_999), atMost: 500) == 1)
        #expect(delayed.milliseconds(at: time(100), atMost: 500) == 0)
        #expect(delayed.milliseconds(at: time(200), atMost: 500) == 0)
        delayed.add(queue("b"), until: MonotonicTime(nanoseconds: .max))
        #expect(delayed.takeDue(at: time(100)).count == 1)
        #expect(delayed.milliseconds(at: time(0), atMost: .max) == .max)
    }
}
