import Foundation
import Testing

@testable import PostludeBroker

/// Messages that would end a worker, or that a worker would lose, are refused in the form in which they would
/// be sent.
@Suite struct MessageCheckTests {
    static func message() -> CeleryMessage {
        var message = CeleryMessage(
            task: "app.resize", id: "0b2c0a5e-3c1d-4b76-9f5e-2b3a4c5d6e7f", arguments: #"[1,"é\u0000"]"#,
            keywordArguments: #"{"width": 100}"#)
        message.eta = Date(timeIntervalSince1970: 1_900_000_000)
        message.headers = [.init("request_id", .text("r-1"))]
        return message
    }

    static func place(_ change: (inout AMQPMessage) -> Void) -> String? {
        var message = message().amqpMessage(to: "celery")
        change(&message)
        do throws(ContractViolation) {
            try message.check()
            return nil
        } catch {
            return error.place
        }
    }

    static func header(_ name: String, _ value: HeaderValue?) -> String? {
        place { message in
            message.headers.removeAll { $0.name == name }
            if let value { message.headers.append(.init(name, value)) }
        }
    }

    @Test func `A valid message passes`() throws {
        try Self.message().amqpMessage(to: "celery").check()
        try Self.message().redisMessage(to: "celery").check()
    }

    @Test func `Invalid AMQP fields are refused`() {
        #expect(Self.place { $0.contentType = "" } == "content_type")
        #expect(Self.place { $0.contentType = "application/x-python-serialize" } == "content_type")
        #expect(Self.place { $0.contentEncoding = "binary" } == "content_encoding")
        #expect(Self.place { $0.deliveryMode = 1 } == "delivery_mode")
        #expect(Self.place { $0.exchange = "amq.fanout" } == "exchange")
        #expect(Self.place { $0.routingKey = "" } == "routing_key")
        #expect(Self.place { $0.routingKey = String(repeating: "q", count: 256) } == "routing_key")
        #expect(Self.place { $0.correlationID = "another" } == "correlation_id")
        #expect(Self.place { $0.priority = 10 } == "priority")
        #expect(Self.place { $0.replyTo = "" } == "reply_to")
    }

    @Test(arguments: [
        "lang", "task", "id", "root_id", "parent_id", "group", "eta", "expires", "retries", "timelimit",
        "argsrepr", "kwargsrepr",
        "origin",
    ])
    func `A missing header of Celery's is refused`(name: String) {
        #expect(Self.header(name, nil) == "headers.\(name)")
    }

    @Test func `Headers of the wrong type are refused`() {
        #expect(Self.header("task", .text("")) == "headers.task")
        #expect(Self.header("task", .text("a b")) == "headers.task")
        #expect(Self.header("task", .null) == "headers.task")
        #expect(Self.header("id", .integer(5)) == "headers.id")
        #expect(Self.header("id", .text("a\nb")) == "headers.id")
        #expect(Self.header("lang", .text("swift")) == "headers.lang")
        #expect(Self.header("eta", .text("tomorrow")) == "headers.eta")
        #expect(Self.header("eta", .text("2030-01-01T00:00:00")) == "headers.eta")
        #expect(Self.header("expires", .integer(60)) == "headers.expires")
        #expect(Self.header("retries", .integer(-1)) == "headers.retries")
        #expect(Self.header("retries", .text("0")) == "headers.retries")
        #expect(Self.header("timelimit", .null) == "headers.timelimit")
        #expect(Self.header("timelimit", .list([.null])) == "headers.timelimit")
        #expect(Self.header("timelimit", .list([.number(1), .number(2)])) == "headers.timelimit")
        #expect(Self.header("timelimit", .list([.number(0), .null])) == "headers.timelimit")
        #expect(Self.header("timelimit", .list([.number(.nan), .null])) == "headers.timelimit[0]")
        #expect(Self.header("root_id", .null) == "headers.root_id")
    }

    @Test func `Extra headers are checked`() {
        #expect(Self.header("traceparent", .text("00-1-2-01")) == nil)
        #expect(Self.header("compression", .text("gzip")) == "headers.compression")
        #expect(Self.header("args", .list([])) == "headers.args")
        #expect(Self.header("nan", .number(.nan)) == "headers.nan")
        #expect(Self.header("é", .null) == "headers")
        #expect(Self.header("", .null) == "headers")
        #expect(Self.header("large", .text(String(repeating: "x", count: 70_000))) == "headers")
        var deep = HeaderValue.null
        for _ in 0..<20 { deep = .list([deep]) }
        #expect(Self.header("deep", deep) == "headers.deep")
        #expect(Self.header("twice", .table([.init("a", .null), .init("a", .null)])) == "headers.twice")
        #expect(Self.place { $0.headers.append(.init("id", .text("x"))) } == "headers.id")
    }

    @Test(arguments: [
        ("[[],{}]", "body"), ("[[],{},{\"callbacks\":null}]", "body[2]"), ("{}", "body"), ("", "body"),
        ("[[],{},", "body"),
        ("[{},{},{}]", "body[0]"), ("[[],[],{}]", "body[1]"),
        ("[[NaN],{},{\"callbacks\":null,\"errbacks\":null,\"chain\":null,\"chord\":null}]", "body"),
        ("[[],{},{\"callbacks\":[],\"errbacks\":null,\"chain\":null,\"chord\":null}]", "body[2]"),
        (
            "[[],{\"a\":1,\"a\":2},{\"callbacks\":null,\"errbacks\":null,\"chain\":null,\"chord\":null}]",
            "body"
        ),
    ])
    func `Invalid bodies are refused`(body: String, place: String) {
        #expect(Self.place { $0.body = Array(body.utf8) } == place)
    }

    @Test func `A body over the limit is refused`() {
        let large = String(repeating: "x", count: ContractBounds.body)
        #expect(Self.place { $0.body = Array("[[\"\(large)\"],{},{}]".utf8) } == "body")
    }

    @Test func `Arguments in the body that disagree with their description are refused`() throws {
        for (arguments, keywords) in [
            ("{}", "{}"), ("[]", "[]"), ("[", "{}"), ("[],{},null", "{}"), ("[1],[2]", "{}"), ("", "{}"),
        ] {
            let message = CeleryMessage(task: "a", id: "1", arguments: arguments, keywordArguments: keywords)
            #expect(throws: ContractViolation.self) { try message.amqpMessage(to: "q").check() }
            #expect(throws: ContractViolation.self) { try message.redisMessage(to: "q").check() }
        }
    }

    @Test func `Times that cannot be written are refused`() {
        var message = Self.message()
        message.eta = Date(timeIntervalSince1970: 1e15)
        let error = #expect(throws: ContractViolation.self) { try message.amqpMessage(to: "q").check() }
        #expect(error?.place == "headers.eta")
        #expect(error?.description.contains("9999") == true)
    }

    // MARK: Redis

    static func redisPlace(_ old: String, _ new: String) throws -> String? {
        var message = message().redisMessage(to: "celery", tag: "tag-1")
        let text = String(decoding: message.envelope, as: UTF8.self)
        try #require(text.contains(old), "\(old) is not in \(text)")
        message.envelope = Array(text.replacing(old, with: new).utf8)
        do throws(ContractViolation) {
            try message.check()
            return nil
        } catch {
            return error.place
        }
    }

    @Test(arguments: [
        (#""delivery_tag":"tag-1","#, "", "properties.delivery_tag"),
        (#""delivery_tag":"tag-1""#, #""delivery_tag":null"#, "properties.delivery_tag"),
        (#","delivery_info":{"exchange":"","routing_key":"celery"}"#, "", "properties.delivery_info"),
        (#""routing_key":"celery""#, #""routing_key":"other""#, "list"),
        (#""routing_key":"celery""#, #""routing":"celery""#, "properties.delivery_info.routing_key"),
        (#""body":"W1s"#, #""body":"%%%"#, "body"), (#""body":"W1s"#, #""body":"W1"#, "body"),
        (#""content-type":"application/json","#, "", "content-type"),
        (#"utf-8"#, "latin-1", "content-encoding"),
        (#""body_encoding":"base64""#, #""body_encoding":"none""#, "properties.body_encoding"),
        (#""priority":0"#, #""priority":"0""#, "properties.priority"),
        (#""priority":0"#, #""priority":10"#, "properties.priority"),
        (#""delivery_mode":2"#, #""delivery_mode":1"#, "properties.delivery_mode"),
        (#""task":"app.resize","#, "", "headers.task"),
        (#""reply_to":"""#, #""reply_to":null"#, "properties.reply_to"),
        ("}}}", "}}", "envelope"), (#""retries":0"#, #""retries":null"#, "headers.retries"),
    ])
    func `Invalid envelopes are refused`(old: String, new: String, place: String) throws {
        #expect(try Self.redisPlace(old, new) == place)
    }

    @Test func `An envelope in the wrong list is refused`() {
        var message = Self.message().redisMessage(to: "celery")
        message.list = "celery\u{6}\u{16}3"
        #expect(throws: ContractViolation.self) { try message.check() }
    }

    @Test func `Errors say what is wrong`() {
        let error = ContractViolation("headers.task", "is \(ContractViolation.quoted("a\nb"))")
        #expect(
            error.description
                == #"the message was not sent, because Celery would not accept it: headers.task is "a\u{a}b""#
        )
    }
}
