import Celery
import FoundationEssentials
import Journal
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

    @Test("Arguments of any kind become JSON, and options a message's") func message() throws {
        var task = CeleryTask("app.resize", "é", 7, [1.5], keywords: ["b": true, "a": "x"], after: .seconds(60))
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
}
