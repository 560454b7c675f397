import HTTPTypes
import Testing

@testable import Postlude

@Suite("ResponseHead")
struct ResponseHeadTests {
    /// The lines of a head, without the empty one that ends it.
    private func lines(_ response: Response) -> [String] {
        var bytes = Array("what was there before".utf8)
        ResponseHead.write(response, into: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasSuffix("\r\n\r\n"))
        return text.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast(2).map(String.init)
    }

    @Test("status, type and length come first, then the fields in order")
    func order() throws {
        var response = Response.text("body", status: .accepted)
        response.headers.append(HTTPField(name: .setCookie, value: "a=1"))
        response.headers.append(HTTPField(name: .eTag, value: "\"x\""))
        response.headers.append(HTTPField(name: .setCookie, value: "b=2"))
        #expect(
            lines(response) == [
                "Status: 202 Accepted", "Content-Type: text/plain; charset=utf-8", "Content-Length: 4",
                "Set-Cookie: a=1", "ETag: \"x\"", "Set-Cookie: b=2",
            ])
    }

    @Test("a response without a type has none")
    func noType() {
        #expect(lines(Response()) == ["Status: 200 OK", "Content-Length: 0"])
    }

    @Test("the length is the body's, whatever the handler sets")
    func length() {
        #expect(
            lines(Response(headers: [.contentLength: "7"], body: [1, 2])) == [
                "Status: 200 OK", "Content-Length: 2",
            ])
    }

    @Test("a response that may not have a body has no length", arguments: [204, 304, 101])
    func noBody(code: Int) {
        let response = Response(status: HTTPResponse.Status(code: code), body: [1, 2, 3])
        #expect(!response.status.allowsBody)
        #expect(!lines(response).contains { $0.hasPrefix("Content-Length") })
    }

    @Test("a reset has no body, and says so")
    func reset() {
        let response = Response(status: .resetContent, body: [1, 2, 3])
        #expect(!response.status.allowsBody)
        #expect(lines(response) == ["Status: 205 Reset Content", "Content-Length: 0"])
    }

    @Test("other responses may have a body", arguments: [200, 201, 301, 400, 404, 500, 599])
    func body(code: Int) {
        #expect(HTTPResponse.Status(code: code).allowsBody)
        #expect(lines(Response(status: .init(code: code))).contains("Content-Length: 0"))
    }

    @Test("an unknown status has its number")
    func unknownStatus() {
        #expect(lines(Response(status: .init(code: 299)))[0].hasPrefix("Status: 299"))
        #expect(
            lines(Response(status: .init(code: 299, reasonPhrase: "Fine")))[0] == "Status: 299 Fine")
    }

    @Test(
        "no value can begin a line of its own",
        arguments: [
            "a\r\nSet-Cookie: x=1", "a\nb", "a\r\r\n\r\n<html>", "a\0b", "a\u{1b}[0m", "\r\n",
        ])
    func injection(value: String) throws {
        let name = try #require(HTTPField.Name("X-Value"))
        var response = Response(contentType: value, headers: [name: value])
        response.headers.append(HTTPField(name: .location, value: "/" + value))
        let lines = lines(response)
        #expect(lines.count == 5)
        #expect(
            lines.map { $0.prefix { $0 != ":" } } == [
                "Status", "Content-Type", "Content-Length", "X-Value", "Location",
            ])
        #expect(lines.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } })
    }

    @Test("no reason phrase can begin a line of its own")
    func reason() {
        let lines = lines(Response(status: .init(code: 299, reasonPhrase: "a\r\nSet-Cookie: x=1")))
        #expect(lines.count == 2 && lines[0].hasPrefix("Status: 299 a"))
    }

    @Test("a stream has no length")
    func stream() {
        let response = Response.stream(contentType: "text/plain", AsyncStream<String> { $0.finish() })
        #expect(
            lines(response) == ["Status: 200 OK", "Content-Type: text/plain", "X-Accel-Buffering: no"])
    }

    @Test("a field beside `contentType` does not make two types")
    func twoTypes() throws {
        let response = try Response.json(["a": 1], headers: [.contentType: "application/problem+json"])
        #expect(
            lines(response).filter { $0.hasPrefix("Content-Type") } == [
                "Content-Type: application/problem+json"
            ])
    }

    @Test(
        "no field changes the status, the length or the framing, in any spelling",
        arguments: [
            "Status", "STATUS", "status", "Content-Length", "content-length", "Connection", "Keep-Alive",
            "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "transfer-ENCODING", "Upgrade",
        ])
    func ownFields(name: String) throws {
        var response = Response(status: .accepted, body: [1, 2])
        let field = try #require(HTTPField.Name(name))
        response.headers.append(HTTPField(name: field, value: "500"))
        response.headers.append(HTTPField(name: field, value: "501"))
        #expect(lines(response) == ["Status: 202 Accepted", "Content-Length: 2"])
        response.status = .noContent
        #expect(lines(response) == ["Status: 204 No Content"])
    }

    @Test("names that resemble the server's own are sent", arguments: ["DNT", "Server", "X-Accel-Expires"])
    func otherFields(name: String) throws {
        let field = try #require(HTTPField.Name(name))
        #expect(lines(Response(headers: [field: "1"])).last == "\(name): 1")
    }

    @Test("a name must be a token", arguments: ["X Y", "X:Y", "X\r\nY", "", "Ä", ":status"])
    func names(name: String) {
        #expect(HTTPField.Name(name) == nil)
    }

    @Test("fields too large for every web server are an error that names the largest of them")
    func tooLarge() throws {
        var response = Response()
        response.headers[.eTag] = "\"x\""
        // Each line has a colon, a space and a line end.
        let room = ResponseHead.fieldLimit - "ETag: \"x\"\r\n".utf8.count - "Set-Cookie: \r\n".utf8.count
        response.headers[.setCookie] = String(repeating: "a", count: room)
        try ResponseHead.check(response)
        var bytes: [UInt8] = []
        ResponseHead.write(response, into: &bytes)
        // With room for the fields that the server adds.
        #expect(bytes.count < ResponseHead.limit - 1500)
        response.headers[.setCookie] = String(repeating: "a", count: room + 1)
        let error = #expect(throws: HeadTooLarge.self) { try ResponseHead.check(response) }
        #expect(error?.largestName == "Set-Cookie" && error?.size == ResponseHead.fieldLimit + 1)
    }
}
