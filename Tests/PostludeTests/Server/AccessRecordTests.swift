import PostludeFastCGI
import PostludeSystem
import Testing

@testable import Postlude
@testable import PostludeLogOutput

@Suite("The access log's record of a request")
struct AccessRecordTests {
    @Test func `a routed request has its path and its route`() throws {
        let fixture = RequestFixture(uri: "/a//b?c=d", parameters: [("REQUEST_ID", "r1")])
        let record = AccessRecord(
            try fixture.head(), request: try fixture.request(), status: 201, bodyBytes: 12, bytes: 100,
            since: .now, worker: 3)
        #expect(record.requestID == "r1" && record.path == "/a/b" && record.route == "/{rest:path}")
        #expect(record.status == 201 && record.bodyBytes == 12 && record.bytes == 100 && record.worker == 3)
        #expect(record.duration >= .zero)
    }

    @Test func `a request that could not be routed has an id all the same`() throws {
        let head = try RequestHead(parameters: [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")])
        let record = AccessRecord(head, status: 400, bodyBytes: 0, bytes: 0, since: .now)
        #expect(record.path == nil && record.route.isEmpty && record.handler.isEmpty)
        #expect(!record.requestID.isEmpty)
    }
}
