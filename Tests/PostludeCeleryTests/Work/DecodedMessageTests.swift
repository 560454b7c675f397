import Foundation
import Postlude
import PostludeBroker
import Testing

@testable import PostludeBroker
@testable import PostludeCelery
@testable import PostludeDurable

@Suite("A decoded message") struct DecodedMessageTests {
    private struct Resize: DurableTask {
        var path: String
        var width: Int?
        static let name = "app.resize"
        func run(_ context: TaskContext) async throws {}
    }

    private let kinds = DurableTaskKinds([DurableTaskKind(Resize.self)])

    private func incoming(
        _ name: String = "app.resize", _ arguments: String = "[]", _ keywords: String = #"{"path": "/a"}"#,
        expires: Date? = nil, timeLimit: CeleryMessage.TimeLimit = .init()
    ) throws -> IncomingTask {
        var message = CeleryMessage(task: name, id: "id-1", arguments: arguments, keywordArguments: keywords)
        message.expires = expires
        message.timeLimit = timeLimit
        return try IncomingTask(envelope: message.redisMessage(to: "q").envelope)
    }

    private func reason(_ message: IncomingTask) -> String? {
        guard case .refused(let type, let reason) = DecodedMessage(message, kinds: kinds) else { return nil }
        return "\(type): \(reason)"
    }

    @Test("Named arguments are the task's members") func task() throws {
        guard case .task(let task) = DecodedMessage(try incoming(), kinds: kinds) else {
            Issue.record("it is not a task")
            return
        }
        #expect(task.id == "id-1")
        #expect(task.name == "app.resize")
        #expect((task.arguments.first as? Resize)?.path == "/a")
        #expect(task.deadline == nil)
    }

    private struct Remind: DurableTask, Equatable {
        var at: Date
        var day: LocalDate
        var id: UUID
        var price: Decimal
        var others: [Date]
        func run(_ context: TaskContext) async throws {}
    }

    @Test(
        "Python's dates, UUIDs and decimals are read, plain and as kombu writes them",
        arguments: [
            """
            {"at": "2030-01-31T12:00:00.250000", "day": "2030-01-31", "id": "e621e1f8-c36c-495a-93fc-0c247a3e6e5f",
             "price": 0.10, "others": ["2030-01-31T13:00:00.250000+01:00"]}
            """,
            """
            {"at": {"__type__": "datetime", "__value__": "2030-01-31T12:00:00.250000"},
             "day": {"__type__": "date", "__value__": "2030-01-31"},
             "id": {"__type__": "uuid", "__value__": {"hex": "e621e1f8c36c495a93fc0c247a3e6e5f"}},
             "price": {"__type__": "decimal", "__value__": "0.10"},
             "others": [{"__type__": "datetime", "__value__": "2030-01-31T13:00:00.250000+01:00"}]}
            """,
        ])
    func python(keywords: String) throws {
        let plain = JSONText.plain(keywords)
        let task = try DurableTaskKind(Remind.self).decode(Data(plain.utf8)) as? Remind
        let date = Date(timeIntervalSince1970: 1_896_091_200.25)
        #expect(
            task
                == Remind(
                    at: date, day: try #require(LocalDate("2030-01-31")),
                    id: try #require(UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F")),
                    price: try #require(Decimal(string: "0.1")), others: [date]))
    }

    private struct Invoice: DurableTask, Equatable {
        var sent: Date
        var day: Date
        var price: String
        func run(_ context: TaskContext) async throws {}
    }

    @Test("What kombu 5.2 makes of a date and a decimal is read as a time and a text") func before53() throws
    {
        let text = #"{"sent": "2030-01-31T12:00:00Z", "day": "2030-01-31T00:00:00", "price": "0.10"}"#
        let task = try DurableTaskKind(Invoice.self).decode(Data(JSONText.plain(text).utf8)) as? Invoice
        let noon = Date(timeIntervalSince1970: 1_896_091_200)
        #expect(task == Invoice(sent: noon, day: noon - 43_200, price: "0.10"))
        #expect(throws: (any Error).self) { try DurableTaskKind(Remind.self).decode(Data(text.utf8)) }
    }

    @Test("Objects that kombu has not written stay unchanged") func foreign() {
        for text in [
            #"{"a": {"__type__": "app.Thing", "__value__": 1}}"#, #"{"__type__": "datetime"}"#, "{",
            #"{"a": {"__type__": "datetime", "__value__": 1}}"#, #"{"a": "__type__"}"#,
        ] {
            #expect(JSONText.plain(text) == text)
        }
    }

    @Test("A message that cannot run here is refused with a reason") func refused() throws {
        #expect(
            reason(try incoming("app.other"))
                == "NotRegistered: this program has no durable task called app.other")
        #expect(reason(try incoming("app.resize", "[1]"))?.contains("positional arguments") == true)
        #expect(reason(try incoming("app.resize", "[ ]")) == nil)
        #expect(
            reason(try incoming("app.resize", "[]", "{}"))?.hasPrefix("TypeError: its named arguments")
                == true)
        #expect(reason(try incoming("app.resize", "[]", #"{"path": 1}"#))?.contains("Resize") == true)
    }

    @Test("An expired message is not run, even if it expired while it waited") func expired() throws {
        guard
            case .expired = DecodedMessage(
                try incoming(expires: Date(timeIntervalSinceNow: -1)), kinds: kinds)
        else {
            Issue.record("it has not expired")
            return
        }
        let message = try incoming(expires: Date(timeIntervalSinceNow: 60))
        let kind = try #require(kinds["app.resize"])
        let waiting = ReceivedTask(Resize(path: "/"), kind: kind, from: message)
        #expect(waiting.beginAttempt())
        let late = ReceivedTask(
            Resize(path: "/"), kind: kind, from: try incoming(expires: Date(timeIntervalSinceNow: -1)))
        #expect(!late.beginAttempt())
        guard case .expired = late.outcome else {
            Issue.record("\(late.outcome)")
            return
        }
    }

    @Test("The sender's time limit is the deadline of a kind without a deadline of its own") func timeLimit()
        throws
    {
        let kind = try #require(kinds["app.resize"])
        func deadline(_ limit: CeleryMessage.TimeLimit) throws -> Duration? {
            ReceivedTask(Resize(path: "/"), kind: kind, from: try incoming(timeLimit: limit)).deadline
        }
        #expect(try deadline(.init(hard: 60, soft: 30)) == .seconds(30))
        #expect(try deadline(.init(hard: 60)) == .seconds(60))
        #expect(try deadline(.init()) == nil)
        let strict = DurableTaskKind(Resize.self, policy: DurablePolicy(deadline: .seconds(5)))
        let message = try incoming(timeLimit: .init(soft: 30))
        #expect(ReceivedTask(Resize(path: "/"), kind: strict, from: message).deadline == .seconds(5))
    }
}
