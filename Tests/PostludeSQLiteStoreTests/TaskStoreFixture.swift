import Foundation
import PostludeTaskStore
import Synchronization
import Testing

@testable import PostludeSQLiteStore

/// A test's own folder with a task store in it, and a clock that stands still.
final class TaskStoreFixture: Sendable {
    let folder: String
    var path: String { folder + "/tasks.sqlite" }
    let clock = TestClock()

    init(in parent: String = NSTemporaryDirectory()) throws {
        var template = Array("\(parent)/task-store-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let made = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let real = try #require(realpath(made, nil))
        folder = String(cString: real)
        free(real)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func open(
        role: TaskStoreRole = .process, lockTimeout: Duration = .seconds(120),
        _ change: (inout TaskStoreSettings) -> Void = { _ in }
    ) throws -> SQLiteTaskStore {
        var settings = TaskStoreSettings()
        change(&settings)
        settings.now = { [clock] in clock.now }
        settings.lockTimeout = lockTimeout
        return try SQLiteTaskStore(path: path, role: role, settings: settings)
    }

    /// Makes the task store's owner dead for all others: its lock is gone, and it has released nothing.
    static func die(_ taskStore: SQLiteTaskStore) { taskStore.releaseLock() }
}

final class TestClock: Sendable {
    private let seconds = Atomic<Int>(1_800_000_000)

    var now: Date { Date(timeIntervalSince1970: Double(seconds.load(ordering: .relaxed))) }

    func advance(_ count: Int) { seconds.add(count, ordering: .relaxed) }
}

extension NewRecord {
    static func make(_ name: String = "charge", _ change: (inout NewRecord) -> Void = { _ in }) -> NewRecord {
        var record = NewRecord(name: name, payload: Data("{}".utf8))
        change(&record)
        return record
    }
}

extension AppendResult {
    /// The record that stands for it.
    var existing: Record? { if case .exists(let record) = self { record } else { nil } }
}

extension SQLiteTaskStore {
    /// Appends one request, and returns its records' ids.
    func append(_ request: String = "r", _ records: NewRecord..., runsHere: Bool = true) throws -> [RecordID]
    {
        var new = NewRequest(id: request, records: records)
        new.runsHere = runsHere
        return try append(new).map(\.id)
    }

    func state(of id: RecordID) throws -> RecordState? {
        try flush()
        return try record(id)?.state
    }

    func claimedIDs(_ limit: Int = 64) throws -> [[RecordID]] {
        try claim(limit).map { $0.records.map(\.id) }
    }
}

/// The error that a body throws.
func taskStoreError(_ body: () throws -> Void) -> TaskStoreError? {
    do {
        try body()
    } catch {
        return error as? TaskStoreError
    }
    return nil
}
