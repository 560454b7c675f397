import Foundation
import Testing

@testable import Journal

@Suite("Several processes", .timeLimit(.minutes(5)))
struct ProcessTests {
    @Test("Killed with -9, an owner's records go to one other, and to it alone")
    func killed() throws {
        let fixture = try JournalFixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let helper = try Helper(["hold", fixture.path])
        let ids = try #require(helper.line()).split(separator: " ").compactMap { RecordID(String($0)) }
        #expect(ids.count == 3)
        #expect(try one.claim().isEmpty && two.claim().isEmpty)
        helper.die()
        let claimed = try one.claim() + two.claim()
        #expect(claimed.map { $0.records.map(\.id) } == [ids])
        #expect(claimed.first?.records.map(\.attempts) == [1, 0, 0])
        #expect(try two.claim().isEmpty && one.claim().isEmpty)
        try one.close()
        try two.close()
    }

    @Test("Processes that race for claims get each request once, whole")
    func race() throws {
        let fixture = try JournalFixture()
        // By the helpers' clock.
        let maker = try Journal(path: fixture.path)
        var expected: Set<String> = []
        for number in 0..<400 {
            let ids = try maker.keep("\(number)", .make(), .make(), .make(), runsHere: false)
            expected.insert(ids.map(\.text).joined(separator: " "))
        }
        let helpers = try (0..<4).map { _ in try Helper(["claim", fixture.path]) }
        for helper in helpers { #expect(helper.line() == "ready") }
        for helper in helpers { try helper.begin() }
        let lines = helpers.flatMap { $0.lines() }
        for helper in helpers { #expect(helper.finish() == 0) }
        #expect(lines.count == 400 && Set(lines) == expected)
        #expect(try maker.counts()[.done] == 1_200)
        #expect(try maker.read { try $0.numbers("SELECT number FROM owner") } == [maker.owner])
        try maker.close()
    }

    @Test("Each firing of a schedule is one process's")
    func firings() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let helpers = try (0..<4).map { _ in try Helper(["fire", fixture.path, "50"]) }
        for helper in helpers { #expect(helper.line() == "ready") }
        for helper in helpers { try helper.begin() }
        let lines = helpers.flatMap { $0.lines() }
        #expect(lines.sorted() == (0..<50).map { "fired \($0)" }.sorted())
        #expect(try journal.list(limit: 100).records.count == 50)
        try journal.close()
    }
}
