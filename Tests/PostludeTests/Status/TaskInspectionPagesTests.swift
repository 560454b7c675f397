import Logging
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("The status pages' view of stored tasks")
struct TaskInspectionPagesTests {
    private struct Unreadable: Error {}

    /// Responds with the number of calls.
    private final class Inspector: TaskInspector {
        let library = "paper 1.0"
        let looks = Lock(0)
        let isBroken = Lock(false)
        /// The path at which it waits; nil for none.
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

        func perform(_ action: TaskAction, on id: String) throws -> TaskActionResult { .changed }
    }

    private let inspector = Inspector()
    private let log = RecordedLog()
    private let pages: TaskInspectionPages

    init() { pages = TaskInspectionPages(inspector, allowsActions: true, logger: log.logger) }

    private var count: Int? { pages.answer.names.first?.waiting }

    @Test("With any number of readers it is asked once a second at most, and at once after a change")
    func seldom() throws {
        #expect((1...100).map { _ in count } == Array(repeating: 1, count: 100))
        #expect(try pages.perform(.retry, on: "id") == .changed)
        #expect(count == 2)
    }

    @Test("A failed read is shown, and logged once") func unreadable() throws {
        inspector.isBroken.withLock { $0 = true }
        for _ in 1...3 {
            #expect(pages.answer.error == "Unreadable()")
            _ = try pages.perform(.retry, on: "id")
        }
        #expect(log.entries.count { $0.level == .error } == 1)
        inspector.isBroken.withLock { $0 = false }
        #expect(pages.answer.error == nil && count == 1)
    }

    @Test("While one read hangs, other readers get the previous result", .timeLimit(.minutes(10)))
    func hanging() throws {
        #expect(count == 1)
        let (reached, opened) = (
            try EventDescriptor(), try EventDescriptor()
        )
        inspector.gate.withLock { $0 = (reached, opened) }
        _ = try pages.perform(.retry, on: "id")
        let thread = try WorkerThread(name: "pages") { [pages] in
            _ = pages.answer
        }
        waitForInput([reached.descriptor], milliseconds: -1)
        #expect(count == 1)
        opened.signal()
        thread.join()
        inspector.gate.withLock { $0 = nil }
        #expect(count == 2)
    }
}
