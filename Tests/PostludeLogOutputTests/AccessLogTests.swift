import Foundation
import PostludeFastCGI
import PostludeManifest
import Testing

@testable import PostludeLogOutput

@Suite("Lines of the access log")
struct AccessLogTests {
    private func record(_ parameters: [(String, String)] = [], uri: String = "/a/b?c=d") throws
        -> AccessRecord
    {
        let parameters = [("REQUEST_METHOD", "POST"), ("REQUEST_URI", uri)] + parameters
        let head = try RequestHead(parameters: parameters)
        return AccessRecord(
            head: head, requestID: head.string("REQUEST_ID") ?? "r", path: "/a/b", route: "/{rest:path}",
            handler: "h", status: 201, bodyBytes: 12, bytes: 100, duration: .milliseconds(12), worker: 3)
    }

    private func text(
        _ format: String, _ record: AccessRecord, _ tasks: TaskResultCounts = TaskResultCounts()
    ) throws
        -> String
    {
        let format = try AccessLogFormat(parsing: format)
        return String(
            decoding: AccessText.line(format, AccessValues(record: record, tasks: tasks)), as: UTF8.self)
    }

    @Test("variables stand for values of the web server and the application")
    func variables() throws {
        let record = try record([
            ("REMOTE_ADDR", "192.0.2.1"), ("REQUEST_ID", "r1"), ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("HTTP_X_TRACE", "t"),
        ])
        #expect(
            try text(
                "$remote_addr - $remote_user \"$request\" $uri $status $body_bytes_sent/$bytes_sent $request_id "
                    + "$route ${http_x_trace} $http_none $pid $worker", record)
                == "192.0.2.1 - - \"POST /a/b?c=d HTTP/1.1\" /a/b 201 12/100 r1 /{rest:path} t - \(getpid()) 3"
        )
    }

    @Test("every variable has a value")
    func allVariables() throws {
        for variable in AccessLogVariable.allCases {
            #expect(try !text("$\(variable.rawValue)", record()).isEmpty, "\(variable)")
        }
    }

    @Test("the tasks have numbers and a time of their own")
    func tasks() throws {
        let counts = TaskResultCounts(ended: 3, failed: 1, unfinished: 2, time: .milliseconds(1_234))
        #expect(try text("$tasks $tasks_failed $tasks_left $tasks_time", record(), counts) == "3 1 2 1.234")
        #expect(try text("$request_time", record()).wholeMatch(of: /0\.[0-9]{3}/) != nil)
    }

    @Test("no client can write a line or a field of its own: values are escaped as in nginx")
    func escapes() throws {
        let record = try record([("HTTP_USER_AGENT", "a\"b\\c\nd\u{1b}é\u{7f}")])
        #expect(try text("\"$http_user_agent\"", record) == #""a\x22b\x5Cc\x0Ad\x1B\xC3\xA9\x7F""#)
    }

    @Test("a JSON line has every key in order, numbers as numbers, and null for an unknown value")
    func json() throws {
        let agent = "a\"b\\c\nd\u{1}\u{7f}é😀"
        let record = try record([("HTTP_USER_AGENT", agent), ("REQUEST_ID", "r1")])
        let counts = TaskResultCounts(ended: 2, failed: 1, time: .milliseconds(1_500))
        let line = AccessJSON.line(AccessValues(record: record, tasks: counts))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(object["http_user_agent"] as? String == agent)
        #expect(object["status"] as? Int == 201)
        #expect(object["tasks_time"] as? Double == 1.5)
        #expect(object["tasks_failed"] as? Int == 1)
        #expect(object["remote_user"] is NSNull)
        #expect(object["request_uri"] as? String == "/a/b?c=d")
        let text = String(decoding: line, as: UTF8.self)
        #expect(text.hasPrefix("{\"time\":\""))
        let keys = text.matches(of: /[{,]"([a-z_]+)":/).map { String($0.output.1) }
        #expect(
            keys == [
                "time", "request_id", "remote_addr", "remote_user", "request_method", "request_uri",
                "server_protocol", "host", "status", "body_bytes_sent", "request_time", "route", "handler",
                "tasks",
                "tasks_failed", "tasks_left", "tasks_time", "pid", "worker", "http_referer",
                "http_user_agent",
            ])
    }

    @Test("a request that could not be routed has a line too")
    func refused() throws {
        let head = try RequestHead(parameters: [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")])
        let record = AccessRecord(
            head: head, requestID: "r", path: nil, route: "", handler: "", status: 400, bodyBytes: 0,
            bytes: 0, duration: .zero, worker: 0)
        let line = AccessJSON.line(AccessValues(record: record, tasks: TaskResultCounts()))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(object["route"] is NSNull && object["handler"] is NSNull)
        #expect(object["request_id"] as? String == "r")
    }

    @Test("a very long value is truncated")
    func longValue() throws {
        let record = try record([("HTTP_REFERER", String(repeating: "x", count: 50_000))])
        #expect(try text("$http_referer", record).utf8.count == 4096)
    }

    @Test("times are in nginx's formats")
    func times() {
        let time = LogTime(seconds: 1_835_438_709, milliseconds: 7)
        #expect(time.utc == "2028-02-29T12:05:09.007Z")
        #expect(time.sinceEpoch == "1835438709.007")
        #expect(time.iso8601.wholeMatch(of: /2028-0[23]-[0-9]{2}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}/) != nil)
        #expect(time.common.wholeMatch(of: /[0-9]{2}\/[A-Z][a-z]{2}\/2028:[0-9:]{8} [+-][0-9]{4}/) != nil)
    }
}
