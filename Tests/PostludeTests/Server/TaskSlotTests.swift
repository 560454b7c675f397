import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("TaskSlot")
struct TaskSlotTests {
    @Test("while the others are reserved for requests, the next worker waits until one has ended its tasks")
    func reserved() throws {
        let pool = WorkerPool(
            bounds: .init(minimum: 0, maximum: 2, reservedForRequests: 1), onEmpty: {}
        ) { _, _ in false }
        let (first, second) = (try TaskSlot(pool: pool), try TaskSlot(pool: pool))
        #expect(first.acquire())
        #expect(!second.acquire() && !second.acquire())
        #expect(!isReadable(second.descriptor))
        first.release()
        #expect(isReadable(second.descriptor))
        #expect(second.acquire() && !isReadable(second.descriptor))
        #expect(!first.acquire())
        second.release()
        #expect(first.acquire())
        first.release()
    }
}
