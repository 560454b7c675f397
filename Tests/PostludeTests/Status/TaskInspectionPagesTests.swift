import Logging
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("What the status pages know of stored tasks")
struct TaskInspectionPagesTests {
    private struct Unreadable: Error {}

    /// Answers how often it was asked.
    private final class Inspector: TaskInspector {
        let library = "paper 1.0"
        let looks = Lock(0)
        let isBroken = Lock(false)
        /// Where it waits; nil for nowhere.
        let gate = Lock<(reached: EventDescriptor, opened: EventDescriptor)?>(nil)

        func report() throws -> StoredTaskReport {
            if let (reached, opened) = gate.withLock({ $0 }) {
                reached.signal()
                waitForInput([opened.descriptor], milliseconds: -1)
            }
            if isBroken.withLock({ $0 }) { throw Unreadable() }
            var kind = StoredTaskReport.Kind(name: "Job")
            kind.waiting = looks.withLock { looks in
                looks += 1
                return looks
            }
            return StoredTaskReport(names: [kind], oldestAge: nil, deadLetters: [])
        }

        func steer(_ step: TaskSteering, _ id: String) throws -> TaskSteeringResult { .changed }
    }

    private let inspector = Inspector()
    private let log = RecordedLog()
    private let look: TaskInspectionPages

    init() { look = TaskInspectionPages(inspector, isSteerable: true, logger: log.logger) }

    private var count: Int? { look.answer.names.first?.waiting }

    @Test("However many look, it is asked once a second at most; and at once behind a step")
    func seldom() throws {
        #expect((1...100).map { _ in count } == Array(repeating: 1, count: 100))
        #expect(try look.steer(.retry, "id") == .changed)
        #expect(count == 2)
    }

    @Test("What cannot be read is said, and logged once") func unreadable() throws {
        inspector.isBroken.withLock { $0 = true }
        for _ in 1...3 {
            #expect(look.answer.trouble == "Unreadable()")
            _ = try look.steer(.retry, "id")
        }
        #expect(log.entries.count { $0.level == .error } == 1)
        inspector.isBroken.withLock { $0 = false }
        #expect(look.answer.trouble == nil && count == 1)
    }

    @Test("While one look hangs, others get what was known before", .timeLimit(.minutes(10)))
    func hanging() throws {
        #expect(count == 1)
        let (reached, opened) = (
            try EventDescriptor(), try EventDescriptor()
        )
        inspector.gate.withLock { $0 = (reached, opened) }
        _ = try look.steer(.retry, "id")
        let thread = try WorkerThread(name: "look") { [look] in
            _ = look.answer
        }
        waitForInput([reached.descriptor], milliseconds: -1)
        #expect(count == 1)
        opened.signal()
        thread.join()
        inspector.gate.withLock { $0 = nil }
        #expect(count == 2)
    }
}
