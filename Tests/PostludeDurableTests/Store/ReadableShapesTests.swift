import Foundation
import Postlude
import PostludeSQLiteStore
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("Tasks of other versions of the program")
struct ReadableShapesTests {
    private enum Old {
        struct Charge: DurableTask {
            var order: Int
            func run(_ context: TaskContext) async throws {}
        }
    }

    private struct Charge: DurableTask {
        var order: Int
        var currency: String

        static var version: Int { 3 }

        static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue {
            guard case .object(var members) = old else { return old }
            if version < 2 { members["order"] = members.removeValue(forKey: "number") }
            if version < 3 { members["currency"] = "EUR" }
            return .object(members)
        }

        func run(_ context: TaskContext) async throws {}
    }

    private let folder: TaskStoreFolder
    private let log = LogLines()
    private let kind = DurableTaskKind(Charge.self)
    private let shapes = ReadableShapes()
    private var taskStore: SQLiteTaskStore { folder.taskStore }

    init() throws { folder = try TaskStoreFolder() }

    private func append(_ shape: RecordShape?, _ payload: String = "{}") throws -> Record {
        if let shape { try taskStore.register([shape]) }
        var record = NewRecord(name: shape?.name ?? "Charge", payload: Data(payload.utf8))
        record.shape = shape
        var request = NewRequest(id: "r", records: [record])
        request.runsHere = false
        let id = try taskStore.append(request)[0].id
        return try #require(try taskStore.record(id))
    }

    private func decision(_ record: Record) throws -> String {
        switch try shapes.decision(
            on: record, record.name == "Charge" ? kind : nil, in: taskStore, log.logger)
        {
        case .attempt(let version): "attempt \(version)"
        case .leave(.unreadable(let error, _)): "leave: \(error)"
        case .leave: "another end"
        }
    }

    @Test("A new record has the kind's version and structure")
    func shape() throws {
        let record = kind.record(Data("{}".utf8), at: Date())
        #expect(record.shape == kind.shape && kind.shape.version == 3 && kind.shape.name == "Charge")
        #expect(kind.shape == DurableTaskKind(Charge.self).shape)
        #expect(kind.shape.structure != DurableTaskKind(Old.Charge.self).shape.structure)
    }

    @Test("Older payloads are converted, in one step; later ones are refused")
    func upcasts() throws {
        for (payload, version) in [
            (#"{"number":7}"#, 1), (#"{"order":7}"#, 2), (#"{"order":7,"currency":"EUR"}"#, 3),
        ] {
            let task = try #require(try kind.decode(Data(payload.utf8), version: version) as? Charge)
            #expect(task.order == 7 && task.currency == "EUR")
        }
        #expect(throws: DecodingError.self) { try kind.decode(Data(#"{"order":7}"#.utf8), version: 1) }
        #expect(throws: DecodingError.self) { try kind.decode(Data("no JSON".utf8), version: 1) }
        #expect(throws: LaterVersion.self) { try kind.decode(Data("{}".utf8), version: 4) }
    }

    @Test("Unknown kinds and later versions are left, and logged once; others are tried")
    func decisions() throws {
        #expect(try decision(append(nil)) == "attempt 1")
        #expect(try decision(append(kind.shape)) == "attempt 3")
        #expect(try decision(append(RecordShape(name: "Charge", version: 2, structure: "s"))) == "attempt 2")
        let later = RecordShape(name: "Charge", version: 4, structure: "s")
        for _ in 1...2 { #expect(try decision(append(later)).hasPrefix("leave: it is of version 4")) }
        let unknown = RecordShape(name: "Refund", version: 1, structure: "s")
        #expect(try decision(append(unknown)) == "leave: this program has no task of that name")
        #expect(log.lines.count == 2, "\(log.lines)")
        // Only the first three of them are claimed from now on.
        #expect(try taskStore.claim(64, takingSuspect: true).count == 3)
    }

    @Test("A shape that cannot be decoded is left for a while; a single task of a readable one is delayed")
    func attempts() throws {
        let shape = RecordShape(name: "Charge", version: 2, structure: "s")
        let record = try append(shape)
        let number = try #require(record.shape)
        _ = try decision(record)
        func end() -> RecordEnd {
            shapes.didNotRead(record.summary, number, "no", in: taskStore, log.logger)
        }
        guard case .unreadable("no", let soon) = end() else {
            Issue.record("another end")
            return
        }
        #expect(soon.timeIntervalSinceNow < 10)
        #expect(try taskStore.claim(64, takingSuspect: true).isEmpty)
        #expect(log.lines.count == 1 && log.lines[0].contains("reason=no"), "\(log.lines)")
        try taskStore.flush()
        #expect(
            try taskStore.unreadable(
                dueBefore: Date(timeIntervalSinceNow: 10), notedBefore: Date(timeIntervalSinceNow: 10))
                == ["Charge": 1])
        // Of another shape one was read before.
        let mixed = try append(RecordShape(name: "Charge", version: 2, structure: "t"))
        _ = try decision(mixed)
        shapes.didRead(try #require(mixed.shape))
        guard
            case .unreadable("no", let late) = shapes.didNotRead(
                mixed.summary, try #require(mixed.shape), "no", in: taskStore, log.logger)
        else {
            Issue.record("another end")
            return
        }
        #expect(late.timeIntervalSinceNow > 30)
        #expect(try taskStore.claim(64, takingSuspect: true).count == 1)
    }
}
