import Foundation
import Postlude
import PostludeManifest
import PostludeSQLiteStore
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("The check of stored tasks")
struct StoredTaskDecodingTests {
    private struct Charge: DurableTask {
        struct Item: Codable { var count: Int }
        enum Size: String, Codable { case small, large }

        var order: Int
        var size: Size
        var items: [Item]

        func run(_ context: TaskContext) async throws {}
    }

    private func check(_ folder: TaskStoreFolder, within time: Duration? = nil) throws -> StoredTaskCheck {
        try folder.taskStore.flush()
        let engine = DurableEngine(kinds: DurableTaskKinds([DurableTaskKind(Charge.self)]))
        let manifest = try Manifest.parse(
            "task-store: { path: \(folder.taskStore.path) }\nroutes: [{ path: /, method: GET, handler: home }]\n",
            file: "routes.yaml", handlers: ["home"], environment: [:])
        return try engine.checkStoredTasks(manifest, within: time)
    }

    private static func record(_ payload: String, _ name: String = "Charge") -> NewRecord {
        NewRecord(name: name, payload: Data(payload.utf8))
    }

    @Test("Names kinds, members, counts and ids")
    func problems() throws {
        let folder = try TaskStoreFolder()
        let good = #"{"order":1,"size":"small","items":[{"count":1}]}"#
        var records = [Self.record(good), Self.record(good)]
        records += (0..<5).map { _ in Self.record(#"{"size":"small","items":[]}"#) }
        records += [
            Self.record(#"{"order":1,"size":"medium","items":[]}"#),
            Self.record(#"{"order":1,"size":"huge","items":[]}"#),
            Self.record(#"{"order":1,"size":"small","items":[{"count":1},{"count":"2"}]}"#),
            Self.record(#"{"order":null,"size":"small","items":[]}"#), Self.record("{}", "Refund"),
        ]
        let ids = try folder.taskStore.append(NewRequest(id: "r", records: records)).map(\.id.text)
        let check = try check(folder)
        #expect(check.checked == 12 && check.unreadable == 10 && check.isComplete && check.hasStore)
        #expect(
            check.problems.map { "\($0.kind) \($0.member ?? "-") \($0.count)" } == [
                "Charge order 5", "Charge size 2", "Charge items[].count 1", "Charge order 1", "Refund - 1",
            ])
        #expect(check.problems.first?.ids == Array(ids[2..<5]))
        let lines = check.lines
        #expect(
            lines.contains(
                "Charge: 5 tasks cannot be read: `order` is missing (\(ids[2...4].joined(separator: ", ")), …)"
            ))
        #expect(
            lines.contains(
                "Refund: 1 task cannot be read: this program has no task of that name (\(ids[11]))"))
        #expect(
            lines.contains("Charge: 1 task cannot be read: `items[].count` is not a whole number (\(ids[9]))")
        )
        #expect(lines.last == "this program cannot read 10 of 12 stored tasks")
    }

    @Test("Tasks of other programs that only go to a broker are not checked; those of own kinds are")
    func brokers() throws {
        let folder = try TaskStoreFolder()
        try folder.append("app.tasks.mail", for: "celery")
        #expect(try check(folder).lines == ["this program can read all of 0 stored tasks"])
        try folder.append("Charge", for: "celery")
        #expect(try check(folder).problems.map(\.count) == [1])
    }

    @Test("No store is no problem, and a time limit is said")
    func limits() throws {
        let engine = DurableEngine(kinds: DurableTaskKinds([]))
        let manifest = try Manifest.parse(
            "task-store: { path: /nowhere/tasks.sqlite }\nroutes: [{ path: /, method: GET, handler: home }]\n",
            file: "routes.yaml", handlers: ["home"], environment: [:])
        let missing = try engine.checkStoredTasks(manifest, within: nil)
        #expect(
            !missing.hasStore && missing.lines == ["there is no task store yet, so that no task was checked"])
        let folder = try TaskStoreFolder()
        try folder.append("Charge", for: nil)
        let late = try check(folder, within: .zero)
        #expect(!late.isComplete && late.lines.last == "the time was not enough for the other tasks")
    }
}
