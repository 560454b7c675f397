import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("Response.selected")
struct ResponseConditionsTests {
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let later = "Sun, 06 Nov 1994 08:49:38 GMT"
    private static let earlier = "Sun, 06 Nov 1994 08:49:36 GMT"

    private let folder: FileFolder
    private let response: Response

    init() throws {
        folder = try FileFolder()
        try folder.write("root/a.txt", "0123456789")
        try folder.setModified("root/a.txt", seconds: 784_111_777)
        response = try .file(folder.file("root/a.txt"), headers: [.eTag: "\"v1\"", .cacheControl: "private"])
    }

    private func selected(
        _ fields: [(String, String)], method: String = "GET", of response: Response? = nil,
        in location: FileLocation? = nil
    ) throws -> Response {
        var fixture = RequestFixture.get("/")
        fixture.method = method
        fixture.parameters = fields.map { name, value in
            ("HTTP_" + name.uppercased().replacingOccurrences(of: "-", with: "_"), value)
        }
        let request = try fixture.request()
        return (response ?? self.response).selected(for: request.method, request.headers, in: location)
    }

    @Test("without conditions it stays unchanged")
    func plain() async throws {
        let response = try selected([])
        #expect(response.status == .ok)
        #expect(try await response.body.collect() == Array("0123456789".utf8))
    }

    @Test(
        "a version that the client has is not sent again",
        arguments: [
            [("If-None-Match", "\"v1\"")], [("If-None-Match", "\"v0\", W/\"v1\"")], [("If-None-Match", "*")],
            [("If-Modified-Since", date)], [("If-Modified-Since", later)],
            [("If-None-Match", "\"v1\""), ("If-Modified-Since", earlier)],
            [("If-Match", "\"v1\""), ("If-None-Match", "\"v1\"")],
            [("Range", "bytes=0-1"), ("If-None-Match", "\"v1\"")],
        ])
    func notModified(fields: [(String, String)]) throws {
        for method in ["GET", "HEAD"] {
            let response = try selected(fields, method: method)
            #expect(response.status == .notModified && response.body.bytes == [])
            #expect(response.headers[.eTag] == "\"v1\"" && response.headers[.cacheControl] == "private")
            #expect(response.contentType == nil)
        }
    }

    @Test(
        "another version is sent",
        arguments: [
            [("If-None-Match", "\"v0\"")], [("If-Modified-Since", earlier)],
            [("If-Modified-Since", "nonsense")],
            [("If-None-Match", "\"v0\""), ("If-Modified-Since", later)],
            [("If-Match", "\"v1\"")], [("If-Match", "*")], [("If-Unmodified-Since", date)],
            [("If-Unmodified-Since", "nonsense")],
            [("If-Match", "\"v1\""), ("If-Unmodified-Since", earlier)],
        ])
    func modified(fields: [(String, String)]) throws {
        #expect(try selected(fields).status == .ok)
    }

    @Test(
        "a condition that fails is 412",
        arguments: [
            [("If-Match", "\"v0\"")], [("If-Match", "W/\"v1\"")], [("If-Unmodified-Since", earlier)],
            [("If-Match", "\"v0\""), ("If-None-Match", "\"v1\"")],
        ])
    func failed(fields: [(String, String)]) throws {
        let response = try selected(fields)
        #expect(response.status == .preconditionFailed)
        #expect(response.body.bytes == Array(#"{"detail":"Precondition Failed"}"#.utf8))
        #expect(response.headers[.eTag] == nil && response.headers[.cacheControl] == nil)
    }

    @Test("one range is a part")
    func range() async throws {
        let response = try selected([("Range", "bytes=2-4")])
        #expect(response.status == .partialContent && response.body.count == 3)
        #expect(response.headers[.contentRange] == "bytes 2-4/10")
        #expect(response.contentType == "text/plain; charset=utf-8")
        #expect(try await response.body.collect() == Array("234".utf8))
    }

    @Test("several ranges get the whole; HEAD and other methods ignore ranges")
    func noRange() throws {
        #expect(try selected([("Range", "bytes=0-1,3-4")]).status == .ok)
        #expect(try selected([("Range", "bytes=0-1")], method: "HEAD").status == .ok)
        #expect(try selected([("Range", "bytes=0-1"), ("If-None-Match", "*")], method: "POST").status == .ok)
    }

    @Test("a range after the end is 416 with the length")
    func unsatisfiable() throws {
        let response = try selected([("Range", "bytes=10-")])
        #expect(response.status == .rangeNotSatisfiable)
        #expect(response.headers[.contentRange] == "bytes */10")
        #expect(response.contentType == "application/json")
    }

    @Test(
        "a range of another version is ignored: the whole is sent",
        arguments: [
            ("\"v1\"", 206), (date, 206), ("\"v0\"", 200), ("W/\"v1\"", 200), (later, 200), (earlier, 200),
            ("nonsense", 200), ("\"v1\", \"v0\"", 200),
        ])
    func ifRange(condition: String, status: Int) throws {
        let response = try selected([("Range", "bytes=0-1"), ("If-Range", condition)])
        #expect(response.status.code == status)
    }

    @Test("a file changed within this second may change again: its date does not validate it")
    func freshDate() throws {
        try folder.setModified("root/a.txt", seconds: HTTPDate.now.seconds + 100)
        let fresh = try Response.file(
            folder.file("root/a.txt"),
            headers: [
                .lastModified: HTTPDate(
                    seconds: HTTPDate.now.seconds + 100
                ).description
            ])
        let date = try #require(fresh.headers[.lastModified])
        #expect(try selected([("Range", "bytes=0-1"), ("If-Range", date)], of: fresh).status == .ok)
    }

    @Test("an error's file is sent unchanged")
    func otherStatus() throws {
        var missing = response
        missing.status = .notFound
        let sent = try selected([("If-None-Match", "*"), ("Range", "bytes=0-1")], of: missing)
        #expect(sent.status == .notFound && sent.body.count == 10)
    }

    @Test("a response of bytes has no conditions")
    func bytes() throws {
        var response = Response.text("hello")
        response.headers[.eTag] = "\"v1\""
        #expect(try selected([("If-None-Match", "\"v1\"")], of: response).status == .ok)
    }

    @Test("nginx learns the location of a file that it can send")
    func internalLocation() throws {
        let location = FileLocation(root: folder.file("root"), internal: "/files")
        let name = try #require(HTTPField.Name("X-Accel-Redirect"))
        for method in ["GET", "HEAD", "POST"] {
            let told = try selected(
                [("If-None-Match", "\"v1\""), ("Range", "bytes=0-1")], method: method, in: location)
            #expect(told.status == .ok && told.body.bytes == [])
            #expect(told.headers[name] == "/files/a.txt")
            #expect(told.contentType == "text/plain; charset=utf-8")
            #expect(told.headers[.eTag] == nil && told.headers[.lastModified] == nil)
            #expect(told.headers[.acceptRanges] == nil && told.headers[.cacheControl] == "private")
        }
        let other = FileLocation(root: folder.file("other"), internal: "/files")
        #expect(try selected([], in: other).headers[name] == nil)
        var missing = response
        missing.status = .notFound
        #expect(try selected([], of: missing, in: location).headers[name] == nil)
    }
}
