import Glibc
import Testing

@testable import PostludeFastCGI

@Suite("ShortResponse")
struct ShortResponseTests {
    private func text(_ response: ShortResponse, isHead: Bool = false) throws -> String {
        let records = response.records(requestID: 1, isHead: isHead)
        let header = try RecordHeader(Array(records.prefix(8)).span)
        #expect(header.type == .stdout && header.requestID == 1)
        let content = records[8..<8 + header.contentLength]
        #expect(
            Array(records[(8 + header.contentLength)...])
                == Wire.record(6) + Wire.record(3, [0, 0, 0, 0, 0, 0, 0, 0]))
        return String(decoding: content, as: UTF8.self)
    }

    @Test("is a complete response: status, fields, JSON body and END_REQUEST")
    func whole() throws {
        #expect(
            try text(.serviceUnavailable(retryAfter: .milliseconds(1200)))
                == "Status: 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 2\r\n"
                + "Content-Length: 32\r\n\r\n{\"detail\":\"Service Unavailable\"}")
        #expect(
            try text(.requestTimeout())
                == "Status: 408 Request Timeout\r\nContent-Type: application/json\r\n"
                + "Content-Length: 28\r\n\r\n{\"detail\":\"Request Timeout\"}")
        #expect(try text(.gatewayTimeout(identifier: "a1")).hasSuffix(",\"request_id\":\"a1\"}"))
    }

    @Test("can have problem details, with the same members as the application's other answers")
    func problem() throws {
        #expect(
            try text(.gatewayTimeout(identifier: "a1", format: .problem))
                == "Status: 504 Gateway Timeout\r\nContent-Type: application/problem+json\r\n"
                + "Content-Length: 106\r\n\r\n{\"detail\":\"Gateway Timeout\",\"request_id\":\"a1\","
                + "\"status\":504,\"title\":\"Gateway Timeout\",\"type\":\"about:blank\"}")
        #expect(try text(.requestTimeout(format: .problem)).contains("\"status\":408,"))
    }

    @Test("has no body for HEAD")
    func head() throws {
        #expect(try text(.requestTimeout(), isHead: true).hasSuffix("Content-Length: 28\r\n\r\n"))
    }

    @Test("keeps every value on its line, and in its string")
    func values() throws {
        let response = ShortResponse(
            status: 503, reason: "a\r\nb", fields: [("X", "1\r\nSet-Cookie: a=b")], identifier: "\"\\\u{1}é")
        let text = try text(response)
        #expect(text.hasPrefix("Status: 503 a  b\r\n"))
        #expect(text.contains("X: 1  Set-Cookie: a=b\r\n"))
        #expect(
            text.hasSuffix("\r\n\r\n{\"detail\":\"a\\u000d\\u000ab\",\"request_id\":\"\\\"\\\\\\u0001é\"}"))
    }

    @Test("is split into records if it is long")
    func long() {
        let response = ShortResponse(status: 503, reason: String(repeating: "x", count: 70_000))
        let records = response.records(requestID: 258, isHead: true)
        #expect(Array(records.prefix(6)) == [1, 6, 1, 2, 255, 255])
        #expect(records.count > 70_000 + 32)
    }

    @Test("does not wait for a web server that does not read")
    func undelivered() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(), to: client)
        guard case .request(let connection) = fixture.next() else {
            Issue.record("no request")
            return
        }
        let (head, _) = connection.takeRequest()
        #expect(ShortResponse.requestTimeout().send(to: head, on: connection))
        let flood = [UInt8](repeating: 0, count: 1 << 20)
        while flood.withUnsafeBytes({
            Glibc.send(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
        }) > 0 {}
        #expect(!ShortResponse.requestTimeout().send(to: head, on: connection))
        fixture.poller.giveBack(connection, keep: false, isOpen: true)
    }
}
