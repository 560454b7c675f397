import PostludeSystem
import Testing

@testable import Postlude

@Suite("RequestCancellation")
struct RequestCancellationTests {
    @Test("a request without a watch is not cancelled")
    func unwatched() throws {
        #expect(try !RequestFixture().request().isCancelled)
    }

    @Test("code that starts before the cancellation is cancelled by it, and code that starts later at once")
    func order() throws {
        let calls = Lock<[String]>([])
        let request = try RequestFixture().request()
        let cancellation = RequestCancellation()
        request.storage.cancellation = cancellation
        cancellation.setCancellation { calls.withLock { $0.append("early") } }
        #expect(!request.isCancelled && calls.withLock { $0 } == [])
        cancellation.cancel()
        cancellation.cancel()
        #expect(request.isCancelled && calls.withLock { $0 } == ["early"])
        cancellation.setCancellation { calls.withLock { $0.append("late") } }
        #expect(calls.withLock { $0 } == ["early", "late"])
    }

    @Test("the body of a cancelled request is not read further")
    func body() throws {
        let request = try RequestFixture(method: "POST", body: "text").request()
        let cancellation = RequestCancellation()
        request.storage.cancellation = cancellation
        cancellation.cancel()
        #expect(throws: CancellationError.self) { try BodyStream(request: request).read() }
    }
}
