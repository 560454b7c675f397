import FoundationEssentials
import PostludeBroker
import PostludeTaskStore
import Testing

@testable import PostludeCelery
@testable import PostludeDurable

@Suite("Celery tasks") struct CeleryTaskTests {
    private func outgoing(_ task: CeleryTask) throws -> OutgoingTask {
        var record = NewRecord(name: task.name, payload: Data(try SentCeleryTask(task).payload.utf8))
        record.id = RecordID.make(at: 0)
        record.notBefore = task.notBefore
        record.expires = task.expires
        return OutgoingTask(record, of: "r-1")
    }

    @Test("Arguments of any type become JSON, and options become a message's fields") func message() throws {
        var task = CeleryTask(
            "app.resize", "é", 7, [1.5], keywords: ["b": true, "a": "x"], after: .seconds(60))
        task.timeLimit = .seconds(30)
        task.softTimeLimit = .milliseconds(2500)
        task.priority = .low
        task.headers = ["tenant": "t"]
        let message = try CeleryMessage(try outgoing(task))
        #expect(message.arguments == #"["é",7,[1.5]]"#)
        #expect(message.keywordArguments == #"{"a":"x","b":true}"#)
        #expect(message.timeLimit == .init(hard: 30, soft: 2.5))
        #expect(message.priority == .low)
        #expect(message.eta == task.notBefore)
        #expect(message.headers == [.init("tenant", .text("t")), .init("request_id", .text("r-1"))])
        try CeleryParts().check(try outgoing(task), for: "images")
    }

    @Test("Dates are sent in ISO 8601 and UUIDs in lower case, as Python writes them") func dates() throws {
        let id = try #require(UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
        let date = Date(timeIntervalSince1970: 1_896_091_200.25)
        let message = try CeleryMessage(
            try outgoing(CeleryTask("app.remind", date, keywords: ["at": [date], "id": id])))
        #expect(message.arguments == #"["2030-01-31T12:00:00.250Z"]"#)
        #expect(
            message.keywordArguments
                == #"{"at":["2030-01-31T12:00:00.250Z"],"id":"e621e1f8-c36c-495a-93fc-0c247a3e6e5f"}"#)
    }
}
