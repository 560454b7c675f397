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
        /// The dead letters, the newest first.
        let letters = Lock<[StoredTaskReport.DeadLetter]>([])
        let scans = Lock(0)
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
            kind.failed = letters.withLock(\.count)
            return StoredTaskReport(names: [kind], oldestAge: nil, deadLetters: [])
        }

        func deadLetters(after: Int64?, limit: Int) throws -> DeadLetterPage {
            let letters = letters.withLock { $0 }
            let start = Int(after ?? 0)
            if start == 0 { scans.withLock { $0 += 1 } }
            let end = min(start + limit, letters.count)
            return DeadLetterPage(
                deadLetters: Array(letters[start..<end]), next: end < letters.count ? Int64(end) : nil)
        }

        func find(_ id: String) throws -> FoundTasks { FoundTasks() }

        func perform(
            _ action: TaskAction, on target: String, key: String?, by who: String
        ) throws -> TaskActionResult {
            .changed
        }
    }

    private let inspector = Inspector()
    private let log = RecordedLog()
    private let pages: TaskInspectionPages

    init() { pages = TaskInspectionPages(inspector, allowsActions: true, logger: log.logger) }

    private var count: Int? { pages.answer.names.first?.waiting }

    @Test("With any number of readers it is asked once a second at most, and at once after a change")
    func seldom() throws {
        #expect((1...100).map { _ in count } == Array(repeating: 1, count: 100))
        #expect(try pages.perform(.retry, on: "id", by: "ada") == .changed)
        #expect(count == 2)
    }

    @Test("Each change is logged, with who has made it")
    func logged() throws {
        #expect(try pages.perform(.pause, on: "Job", key: "k", by: "ada") == .changed)
        let entry = try #require(log.entries.first { $0.message.contains("were changed") })
        #expect(
            entry.metadata == [
                "action": "pause", "target": "Job", "key": "k", "result": "changed", "user": "ada",
            ])
    }

    @Test("A failed read is shown, and logged once") func unreadable() throws {
        inspector.isBroken.withLock { $0 = true }
        for _ in 1...3 {
            #expect(pages.answer.error == "Unreadable()")
            _ = try pages.perform(.retry, on: "id", by: "ada")
        }
        #expect(log.entries.count { $0.level == .error } == 1)
        inspector.isBroken.withLock { $0 = false }
        #expect(pages.answer.error == nil && count == 1)
    }

    @Test("If the task store can no longer be read, the last figures stay, with their time") func stale()
        throws
    {
        #expect(count == 1)
        let read = try #require(pages.answer.read)
        inspector.isBroken.withLock { $0 = true }
        _ = try pages.perform(.retry, on: "id", by: "ada")
        let answer = pages.answer
        #expect(answer.error == "Unreadable()" && answer.unreadable != nil)
        #expect(answer.names.first?.waiting == 1 && answer.read == read)
    }

    private func letter(_ number: Int, _ error: String) -> StoredTaskReport.DeadLetter {
        StoredTaskReport.DeadLetter(
            id: "id-\(number)", name: "Job", attempts: 3, error: error, ended: 1000 + number)
    }

    @Test(
        "Dead letters are grouped by error, whatever numbers it contains, and all of a group can be paged through"
    )
    func groups() throws {
        let letters = (0..<1300).map { number in
            letter(number, number % 13 == 0 ? "no such city" : "order \(number) is locked")
        }
        inspector.letters.withLock { $0 = letters.reversed() }
        let groups = pages.answer.groups
        #expect(groups.map(\.count) == [1200, 100])
        #expect(groups.map(\.error) == ["order 1299 is locked", "no such city"])
        #expect(groups.map(\.last) == [2299, 2287] && groups.map(\.first) == [1001, 1000])
        for (group, count) in [(groups.first?.id, 1200), (groups.last?.id, 100), (nil, 1300)] {
            var (found, next): ([String], Int64?) = ([], nil)
            repeat {
                let page = try pages.deadLetters(inGroup: group, after: next)
                found += page.deadLetters.map(\.id)
                next = page.next
            } while next != nil
            #expect(found.count == count && Set(found).count == count)
        }
        #expect(try pages.deadLetters(inGroup: nil, after: nil).deadLetters.count == 50)
    }

    @Test("Dead letters are grouped anew only if their numbers change, or after a command") func grouping()
        throws
    {
        inspector.letters.withLock { $0 = [letter(1, "a")] }
        func scans() -> Int { inspector.scans.withLock { $0 } }
        #expect(pages.answer.groups.count == 1 && scans() == 1)
        _ = try pages.perform(.retry, on: "id", by: "ada")
        #expect(pages.answer.groups.count == 1 && scans() == 2)
    }

    @Test("While one read hangs, other readers get the previous result", .timeLimit(.minutes(10)))
    func hanging() throws {
        #expect(count == 1)
        let (reached, opened) = (
            try EventDescriptor(), try EventDescriptor()
        )
        inspector.gate.withLock { $0 = (reached, opened) }
        _ = try pages.perform(.retry, on: "id", by: "ada")
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
