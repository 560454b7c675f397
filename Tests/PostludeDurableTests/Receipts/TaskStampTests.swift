import Foundation
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("What a client knows of tasks, as the id of an event")
struct TaskStampTests {
    private func record(_ change: (inout RecordSummary) -> Void = { _ in }) -> RecordSummary {
        var record = RecordSummary(
            number: 1, id: RecordID.make(at: 1), request: "r", position: 0, name: "n", priority: .normal,
            state: .running, added: Date(), due: Date(), expires: nil, uniqueKey: nil, owner: 1, attempts: 1,
            started: nil, ended: nil, queue: nil, error: nil, route: "", deaths: 0)
        change(&record)
        return record
    }

    @Test("It changes with what clients see, and with nothing else")
    func changes() {
        let all = [
            TaskStamp(nil), TaskStamp.none, TaskStamp(record()), TaskStamp(record { $0.state = .waiting }),
            TaskStamp(record { $0.attempts = 2 }), TaskStamp(record { $0.ended = Date(milliseconds: 1) }),
            TaskStamp(record { $0.progress = RecordProgress(0.5, "") }),
            TaskStamp(record { $0.progress = RecordProgress(0.5, "half") }),
        ]
        #expect(Set(all.map(\.text)).count == all.count)
        #expect(TaskStamp(record()) == TaskStamp(record { $0.owner = 2 }))
        #expect(TaskStamp(nil) == .removed)
        // The same in every process, of every version.
        #expect(TaskStamp(record()).text == "2l5l2nyfeqq5h")
    }

    @Test("A position is read back, and one of other tasks, or a forged one, is not")
    func positions() {
        let position = ReceiptPosition([TaskStamp(record()), .none, .removed])
        #expect(ReceiptPosition(position.text, count: 3) == position)
        let forged = [
            "", ".", "..", "0.0", "0.0.0.0", "0.0.-1", "0.0.+", "0.0. 1", "0.0.zzzzzzzzzzzzz", "0.0.ä",
            "0.0.0\n", String(repeating: "0", count: 2000),
        ]
        for text in forged { #expect(ReceiptPosition(text, count: 3) == nil, "\(text)") }
        let longest = ReceiptPosition(Array(repeating: TaskStamp(record()), count: Receipt.taskLimit))
        #expect(longest.text.utf8.count <= ReceiptPosition.longest)
    }
}
