import Foundation
import PostludeTaskStore
import Testing

@testable import PostludeDurable

/// Compares the table of a durable task's states with the code.
@Suite("The page about durable tasks")
struct StatesPageTests {
    /// The rows of the table, by the state's name: whether the task is over, what the state means, and which
    /// states may follow.
    private func rows() throws -> [String: (isOver: String, meaning: String, next: String)] {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        let page = folder.appending(
            path: "Sources/PostludeDurable/PostludeDurable.docc/TasksThatMustNotBeLost.md")
        var rows: [String: (String, String, String)] = [:]
        let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
        let start = try #require(lines.firstIndex { $0.hasPrefix("| state | over |") })
        for line in lines[(start + 2)...].prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 4, "\(line)")
            rows[cells[0].trimmingCharacters(in: ["`"])] = (cells[1], cells[2], cells[3])
        }
        return rows
    }

    @Test("Exactly the code's states are described, and final states are marked as final")
    func states() throws {
        let rows = try rows()
        #expect(Set(rows.keys) == Set(DurableTaskStatus.State.allCases.map(\.rawValue)))
        #expect(
            Set(rows.keys) == Set(RecordState.allCases.map(\.description)), "as `tasks list --state` has them"
        )
        for state in DurableTaskStatus.State.allCases {
            let row = try #require(rows[state.rawValue])
            #expect(row.isOver == (state.isOver ? "yes" : "no") && !row.meaning.isEmpty, "\(state)")
        }
    }

    @Test("Following states are states, and each state that is not final has one")
    func transitions() throws {
        let rows = try rows()
        for (state, row) in rows {
            let next = row.next.matches(of: #/`([a-z]+)`/#).map { String($0.1) }
            #expect(Set(next).isSubset(of: rows.keys) && !next.contains(state), "\(state)")
            #expect(row.isOver == "yes" || !next.isEmpty, "\(state)")
            // Only the operator's commands `tasks discard` and `tasks retry` follow a final state.
            #expect(row.isOver == "no" || Set(next).isSubset(of: ["discarded"]), "\(state)")
        }
    }
}
