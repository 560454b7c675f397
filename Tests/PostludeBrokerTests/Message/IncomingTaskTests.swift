import Foundation
import PostludeBrokerFixtures
import PostludeSystem
import Testing

@testable import PostludeBroker

@Suite struct IncomingTaskTests {
    static let embed = #"{"callbacks":null,"errbacks":null,"chain":null,"chord":null}"#

    static func read(
        headers: [HeaderValue.Member] = [.init("task", .text("a")), .init("id", .text("1"))],
        body: String = "[[1, {\"x\": 2}],{\"k\":\"v\"},\(embed)]", contentType: String? = "application/json",
        contentEncoding: String? = "utf-8"
    ) throws(IncomingTask.Refusal) -> IncomingTask {
        try IncomingTask(
            contentType: contentType, contentEncoding: contentEncoding, headers: headers,
            body: Array(body.utf8), replyTo: "",
            priority: nil)
    }

    static func reason(_ read: () throws(IncomingTask.Refusal) -> IncomingTask) -> String? {
        do throws(IncomingTask.Refusal) {
            _ = try read()
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func `Arguments keep their text`() throws {
        let task = try Self.read()
        #expect(task.arguments == "[1, {\"x\": 2}]")
        #expect(task.keywordArguments == "{\"k\":\"v\"}")
        #expect(task.replyTo == nil)
    }

    @Test func `A message that we send can be received`() throws {
        let message = MessageCheckTests.message()
        let form = message.amqpMessage(to: "q")
        let task = try IncomingTask(
            contentType: form.contentType, contentEncoding: form.contentEncoding, headers: form.headers,
            body: form.body,
            replyTo: nil, priority: nil)
        #expect(task.name == message.task && task.id == message.id && task.arguments == message.arguments)
        #expect(task.eta == message.eta && task.expires == nil)
        let other = try IncomingTask(envelope: message.redisMessage(to: "q").envelope)
        #expect(other.arguments == message.arguments && other.headers == form.headers)
    }

    @Test func `Messages that are not tasks are refused with a reason`() {
        func expect(_ part: String, _ read: () throws(IncomingTask.Refusal) -> IncomingTask) {
            let reason = Self.reason(read)
            #expect(reason?.contains(part) == true, "\(reason ?? "taken") instead of \(part)")
        }
        expect("content type") { () throws(IncomingTask.Refusal) in try Self.read(contentType: nil) }
        expect("content type") { () throws(IncomingTask.Refusal) in
            try Self.read(contentType: "application/x-yaml")
        }
        expect("encoding") { () throws(IncomingTask.Refusal) in try Self.read(contentEncoding: "binary") }
        expect("protocol 1") { () throws(IncomingTask.Refusal) in try Self.read(headers: []) }
        expect("no id") { () throws(IncomingTask.Refusal) in
            try Self.read(headers: [.init("task", .text("a"))])
        }
        expect("no id") { () throws(IncomingTask.Refusal) in
            try Self.read(headers: [.init("task", .text("a")), .init("id", .integer(3))])
        }
        expect("task's name") { () throws(IncomingTask.Refusal) in
            try Self.read(headers: [.init("task", .list([])), .init("id", .text("1"))])
        }
        let good: [HeaderValue.Member] = [.init("task", .text("a")), .init("id", .text("1"))]
        expect("compressed") { () throws(IncomingTask.Refusal) in
            try Self.read(headers: good + [.init("compression", .text("application/x-gzip"))])
        }
        expect("eta") { () throws(IncomingTask.Refusal) in
            try Self.read(headers: good + [.init("eta", .text("soon"))])
        }
        expect("not JSON") { () throws(IncomingTask.Refusal) in try Self.read(body: "(1)") }
        expect("[args, kwargs, embed]") { () throws(IncomingTask.Refusal) in try Self.read(body: "[[],{}]") }
        expect("[args, kwargs, embed]") { () throws(IncomingTask.Refusal) in
            try Self.read(body: "{\"task\":\"a\"}")
        }
        expect("chain") { () throws(IncomingTask.Refusal) in
            try Self.read(body: "[[],{},{\"callbacks\":null,\"chain\":[{\"task\":\"b\"}]}]")
        }
    }

    @Test func `The callers that wait for a refused message are known`() {
        func awaited(_ read: () throws(IncomingTask.Refusal) -> IncomingTask) -> [String]? {
            do throws(IncomingTask.Refusal) {
                _ = try read()
                return nil
            } catch {
                return error.awaited
            }
        }
        let headers: [HeaderValue.Member] = [.init("task", .text("a")), .init("id", .text("1"))]
        #expect(
            awaited { () throws(IncomingTask.Refusal) in try Self.read(contentType: "application/x-pickle") }
                == ["1"])
        #expect(awaited { () throws(IncomingTask.Refusal) in try Self.read(body: "(1)") } == ["1"])
        let silent = headers + [.init("ignore_result", .bool(true))]
        #expect(
            awaited { () throws(IncomingTask.Refusal) in try Self.read(headers: silent, body: "(1)") } == [])
        let bad: [HeaderValue.Member] = [.init("task", .text("a")), .init("id", .text("a\nb"))]
        #expect(awaited { () throws(IncomingTask.Refusal) in try Self.read(headers: bad) } == [])
        // The other tasks of a chain, the body of a chord, and one inside the other; not the tasks that run
        // after a failure.
        let body = """
            [[],{},{"callbacks":[{"task":"b","options":{"task_id":"2"}}],
            "chain":[{"task":"c","options":{"task_id":"3","chord":{"task":"d","options":{"task_id":"4"}}}},
                {"task":"c","options":{"task_id":"3"}},{"task":"e","options":{"task_id":7}},{"task":"f"}],
            "chord":{"task":"g","options":{"task_id":"5"}},
            "errbacks":[{"task":"h","options":{"task_id":"6"}}]}]
            """
        #expect(
            awaited { () throws(IncomingTask.Refusal) in try Self.read(body: body) } == [
                "5", "4", "3", "2", "1",
            ])
    }

    @Test func `Malformed envelopes are refused and do not crash the process`() {
        let whole = MessageCheckTests.message().redisMessage(to: "q").envelope
        var random = SeededGenerator(seed: 9)
        for _ in 0..<3_000 {
            var bytes = whole
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = .random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + 9))
            case 2: bytes.removeSubrange(place...)
            default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
            }
            _ = try? IncomingTask(envelope: bytes)
        }
    }
}
