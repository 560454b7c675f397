import Foundation
import PostludeBrokerFixtures
import PostludeSystem
import Testing

@testable import PostludeBroker

@Suite struct CeleryMessageTests {
    @Test func `The AMQP form of a message`() throws {
        var message = CeleryMessage(
            task: "app.resize", id: "i-1", arguments: "[1,2]", keywordArguments: #"{"a":null}"#)
        message.eta = Date(timeIntervalSince1970: 1_900_000_000)
        message.expires = Date(timeIntervalSince1970: 1_900_000_060)
        message.retries = 2
        message.timeLimit = CeleryMessage.TimeLimit(hard: 20, soft: 10)
        message.parentID = "p-1"
        message.priority = .high
        message.headers = [.init("request_id", .text("r-1"))]
        let form = message.amqpMessage(to: "images")
        #expect(form.routingKey == "images")
        #expect(form.priority == 9)
        #expect(
            String(decoding: form.body, as: UTF8.self)
                == #"[[1,2],{"a":null},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]"#)
        #expect(form.headers["eta"] == .text("2030-03-17T17:46:40.000000+00:00"))
        #expect(form.headers["timelimit"] == .list([.number(20), .number(10)]))
        #expect(form.headers["root_id"] == .text("i-1"))
        #expect(form.headers["parent_id"] == .text("p-1"))
        #expect(form.headers["group"] == .null)
        #expect(form.headers["argsrepr"] == .text("[1,2]"))
        #expect(form.headers["request_id"] == .text("r-1"))
        try form.check()
    }

    @Test func `The Redis form of a message`() throws {
        let form = CeleryMessage(task: "a", id: "i-1").redisMessage(
            to: "celery", keyPrefix: "site:", tag: "t-1")
        #expect(form.list == "site:celery")
        #expect(
            String(decoding: form.envelope, as: UTF8.self)
                == #"{"body":"W1tdLHt9LHsiY2FsbGJhY2tzIjpudWxsLCJlcnJiYWNrcyI6bnVsbCwi"#
                + #"Y2hhaW4iOm51bGwsImNob3JkIjpudWxsfV0=""#
                + #","content-encoding":"utf-8","content-type":"application/json","headers":{"lang":"py","task":"a""#
                + #","id":"i-1","#
                + #""root_id":"i-1","parent_id":null,"group":null,"eta":null,"expires":null,"retries":0,"#
                + #""timelimit":[null,null],"#
                + #""argsrepr":"[]","kwargsrepr":"{}","origin":"postlude"},"#
                + #""properties":{"correlation_id":"i-1","reply_to":"","#
                + #""delivery_mode":2,"delivery_tag":"t-1","body_encoding":"base64","priority":0,"#
                + #""delivery_info":{"exchange":"","routing_key":"celery"}}}"#)
        try form.check(keyPrefix: "site:")
    }

    @Test func `Large arguments are cut between characters for display`() throws {
        let text = "[\"\(String(repeating: "é😀", count: 1_000))\"]"
        let form = CeleryMessage(task: "a", id: "1", arguments: text).amqpMessage(to: "q")
        let shown = try #require(form.headers["argsrepr"]?.text)
        #expect(shown.utf8.count <= 1_030)
        #expect(shown.hasSuffix("…"))
        #expect(!shown.contains("\u{fffd}"))
        try form.check()
    }

    /// Python's json and kombu read the messages that we send, with the values that were meant.
    @Test func `Python reads random messages with the values that were meant`() throws {
        let folder = try Folder()
        var documents = RandomArguments(seed: 5)
        var lines = ""
        for number in 0..<400 {
            var message = CeleryMessage(
                task: "app.t\(number)", id: "id-\(number)", arguments: documents.array(),
                keywordArguments: documents.object())
            message.headers = [.init("extra", documents.header())]
            message.eta = Date(timeIntervalSince1970: Double(number) * 1_234_567.25)
            let redis = message.redisMessage(to: "celery")
            try redis.check()
            let amqp = message.amqpMessage(to: "celery")
            try amqp.check()
            var headers: [UInt8] = []
            amqp.headers.writeJSON(to: &headers)
            for line in [
                redis.envelope, amqp.body, headers, Array(message.arguments.utf8),
                Array(message.keywordArguments.utf8),
            ] {
                lines += Data(line).base64EncodedString() + "\n"
            }
        }
        try folder.write("messages", lines)
        let output = try Python.run(
            """
            import base64, json
            from celery.utils.time import maybe_iso8601
            from kombu.transport.virtual import Message
            from kombu.utils.json import loads

            class Channel:
                no_ack_consumers = None
                def decode_body(self, body, encoding): return base64.b64decode(body) if encoding == "base64" else body
                def prepare_queue_arguments(self): pass

            lines = [base64.b64decode(line) for line in open("messages")]
            for at in range(0, len(lines), 5):
                envelope, body, headers, args, kwargs = lines[at:at + 5]
                message = Message(loads(envelope), channel=Channel(), accept={"application/json"})
                assert message.content_type == "application/json"
                decoded = message.decode()
                embed = dict(callbacks=None, errbacks=None, chain=None, chord=None)
                expected = [json.loads(args), json.loads(kwargs), embed]
                assert decoded == expected, (decoded, expected)
                assert json.loads(body) == expected
                assert message.headers == json.loads(headers), (message.headers, headers)
                assert message.delivery_tag and message.delivery_info["routing_key"] == "celery"
                maybe_iso8601(message.headers["eta"])
            print("read", len(lines) // 5)
            """, in: folder)
        #expect(output == "read 400\n")
    }
}

/// Random arguments in every notation.
struct RandomArguments {
    private var random: SeededGenerator
    private var keyCount = 0

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func array() -> String { "[" + list { $0.value(depth: 0) } + "]" }

    mutating func object() -> String { "{" + list { $0.key() + ":" + $0.value(depth: 0) } + "}" }

    mutating func header(depth: Int = 0) -> HeaderValue {
        switch Int.random(in: 0..<(depth < 4 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .integer(.random(in: .min ... .max, using: &random))
        case 3: return .number(Double(bitPattern: .random(in: 0...0x7fe0_0000_0000_0000, using: &random)))
        case 4:
            return .text(one(of: ["", "\0", "😀", "\u{2028}", "\"\\\n\u{1f}", "é", "\u{7f}", "\u{10ffff}"]))
        case 5: return .list((0..<3).map { _ in header(depth: depth + 1) })
        default: return .table((0..<3).map { HeaderValue.Member("k\($0)", header(depth: depth + 1)) })
        }
    }

    private mutating func value(depth: Int) -> String {
        switch Int.random(in: 0..<(depth < 6 ? 9 : 6), using: &random) {
        case 0: return "null"
        case 1: return Bool.random(using: &random) ? "true" : "false"
        case 2, 3:
            let digits = [
                "0", "7", "9007199254740993", "9223372036854775808",
                String(repeating: "123456789", count: 400),
            ]
            let rests = ["", "", ".5", ".33333333333333333333", "e-7"]
            let text = one(of: digits)
            return one(of: ["", "-"]) + text + (text.count > 300 ? "" : one(of: rests + ["E+200"]))
        case 4, 5: return string()
        case 6: return "[" + list { $0.value(depth: depth + 1) } + "]"
        case 7: return String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        default: return "{" + list { $0.key() + " : " + $0.value(depth: depth + 1) } + "}"
        }
    }

    private mutating func list(_ element: (inout RandomArguments) -> String) -> String {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in element(&self) }.joined(separator: " , ")
    }

    private mutating func key() -> String {
        keyCount += 1
        return string().dropLast() + "#\(keyCount)\""
    }

    private mutating func string() -> String {
        let pieces = [
            "a", "ä", "€", "😀", "e\u{301}", "\u{7f}", "\u{2028}", "\u{ffff}", "/", "\\\"", "\\\\", "\\/",
            "\\b", "\\n", "\\u0000",
            "\\u20AC", "\\ud83d\\ude00", "\\uFFFF", "__type__", "\u{10ffff}",
        ]
        return "\"" + (0..<Int.random(in: 0...5, using: &random)).map { _ in one(of: pieces) }.joined() + "\""
    }

    private mutating func one(of choices: [String]) -> String {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }
}
