import PostludeFastCGI
import PostludeSystem
import Testing

@testable import Postlude

@Suite("LoadShedder", .timeLimit(.minutes(10)))
struct LoadShedderTests {
    /// A server whose workers are all busy, since it has none.
    private func fixture(_ overload: String) throws -> ServerFixture {
        try ServerFixture(
            "overload: { \(overload) }\nroutes: [{ path: /a, method: POST, handler: a }]", [Handler("a") {}])
    }

    @Test("lets requests wait by default")
    func wait() throws {
        let context = try fixture("when-busy: wait").context()
        let shedder = LoadShedder(context)
        #expect(!shedder.isPossible)
        #expect(shedder.tickMilliseconds(1000) == 1000)
    }

    @Test("reads waiting requests, and refuses those that have waited too long with 503")
    func refuse() async throws {
        let fixture = try fixture("when-busy: refuse, wait: 2s, retry-after: 7s")
        try await onThread {
            let context = try fixture.context()
            let shedder = LoadShedder(context)
            #expect(shedder.isPossible)
            let connection = try fixture.connect()
            try connection.send(.post("{}"))
            let end = MonotonicTime.now + .seconds(30)
            while !context.poller.hasWaitingRequests, .now < end {
                waitForInput([context.poller.descriptor], milliseconds: 1000)
                shedder.shed()
            }
            let now = MonotonicTime.now
            shedder.refuse(at: now + .seconds(-1))
            #expect(context.poller.hasWaitingRequests)
            // While a request waits, the control thread checks again soon.
            #expect(shedder.tickMilliseconds(1000) <= 40)
            shedder.refuse(at: now + .seconds(2))
            #expect(!context.poller.hasWaitingRequests)
            let response = try connection.response()
            #expect(response.contains("Status: 503") && response.contains("Retry-After: 7"))
            context.ends.log(to: fixture.log.logger)
            #expect(
                fixture.log.entries("connections failed").map { $0.metadata["reason"] }
                    == ["refused with 503: every worker was busy"])
        }
    }

    @Test("a request that has waited is served with its first match")
    func served() async throws {
        let fixture = try fixture("when-busy: refuse")
        try await onThread {
            let context = try fixture.context()
            let shedder = LoadShedder(context)
            let connection = try fixture.connect()
            var request = RequestFixture.post("{}")
            request.uri = "/a"
            try connection.send(request)
            let end = MonotonicTime.now + .seconds(30)
            while !context.poller.hasWaitingRequests, .now < end {
                waitForInput([context.poller.descriptor], milliseconds: 1000)
                shedder.shed()
            }
            let next = context.poller.next(reading: ReadBuffer(), waiting: 0) { _ in .ignore }
            guard case .request(let taken) = next else {
                Issue.record("no request")
                return
            }
            let match = try #require(taken.requestContext as? RouteMatch)
            #expect(match.generation === context.generations.current)
            #expect(match.resolution.route?.pattern == "/a")
        }
    }
}
