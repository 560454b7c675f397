import HTTPTypes
import Testing

@testable import Postlude

@Suite("Responses of one status")
struct StatusResponsesTests {
    @Test("204 has header fields, and no body")
    func noContent() {
        let response = NoContent(headers: [.cacheControl: "no-store"]).response()
        #expect(response.status == .noContent && response.headers[.cacheControl] == "no-store")
        #expect(response.body.bytes == [])
        #expect(NoContent.answers.map(\.status) == [.noContent])
    }

    @Test("303 has the address, which cannot begin another header field")
    func seeOther() {
        let response = SeeOther("/a b\r\nSet-Cookie: c", headers: [.cacheControl: "no-store"]).response()
        #expect(response.status == .seeOther && response.headers[.cacheControl] == "no-store")
        #expect(response.headers[.location] == "/a%20b%0D%0ASet-Cookie:%20c")
        #expect(SeeOther.answers.map(\.status) == [.seeOther])
    }

    @Test("201 and 202 have the address of what was made, or will be")
    func locations() throws {
        #expect(try Created(1, location: "/é").response().headers[.location] == "/%C3%A9")
        let accepted = try Accepted(1, location: "/jobs/1", headers: [.retryAfter: "5"]).response()
        #expect(accepted.status == .accepted && accepted.headers[.location] == "/jobs/1")
        #expect(accepted.headers[.retryAfter] == "5")
        #expect(try Accepted(1).response().headers[.location] == nil)
    }
}
