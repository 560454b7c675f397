import Foundation
import Logging
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore

@testable import PostludeDurable

/// A test's own folder.
final class TestDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/postlude-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A test's own folder with a task store in it.
final class TaskStoreFolder {
    let taskStore: SQLiteTaskStore
    private let directory: TestDirectory

    init() throws {
        directory = try TestDirectory()
        taskStore = try SQLiteTaskStore(path: directory.path + "/tasks.sqlite")
    }

    deinit { try? taskStore.close() }

    /// Persists a record for a queue.
    @discardableResult
    func append(_ name: String, for queue: String?, expires: Date? = nil) throws -> RecordID {
        var record = NewRecord(name: name, payload: Data("{}".utf8))
        record.queue = queue
        record.expires = expires
        let results = try taskStore.append(NewRequest(id: "request", records: [record]))
        return results[0].id
    }

    func record(_ id: RecordID) throws -> Record? {
        try taskStore.flush()
        return try taskStore.record(id)
    }
}

/// The logged entries, one per line.
final class LogLines: Sendable {
    private let all = Lock<[String]>([])

    var lines: [String] { all.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let text = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
                .joined()
            lines.all.withLock { $0.append("\(event.level) \(event.message)\(text)") }
        }
    }
}
