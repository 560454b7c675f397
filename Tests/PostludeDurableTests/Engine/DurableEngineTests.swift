import Foundation
import Logging
import Postlude
import PostludeManifest
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("The engine of durable tasks")
struct DurableEngineTests {
    /// Opens SQLite files, and notes for which roles.
    private final class NotingDriver: RecordStoreDriver {
        private let opened = Lock<[String]>([])
        let library = "a library"

        var calls: [String] { opened.withLock { $0 } }

        func open(
            _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
        ) throws(TaskStoreError) -> any RecordStore {
            opened.withLock { $0.append("\(role) \(place)") }
            return try SQLiteFileDriver().open(place, role: role, settings: settings)
        }

        func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? { nil }

        func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
            try SQLiteFileDriver().readContents(of: place, body)
        }
    }

    /// Takes no tasks.
    private struct Nowhere: TaskDispatching {
        let isClosed = false

        func post(
            _ tasks: [any PersistedTask], of origin: TaskOrigin, onCompletion: @escaping @Sendable () -> Void
        ) {}
    }

    @Test("The engine's driver opens the manifest's task store, to serve and for the status page")
    func driver() throws {
        let directory = try TestDirectory()
        let place = directory.path + "/tasks.sqlite"
        let manifest = try Manifest.parse(
            "task-store: { path: \(place) }\nroutes: [{ path: /, method: GET, handler: home }]\n",
            file: "routes.yaml", handlers: ["home"], environment: [:])
        let driver = NotingDriver()
        let engine = DurableEngine(kinds: DurableTaskKinds([]), driver: driver)
        let inspector = try #require(engine.makeInspector(manifest))
        #expect(engine.library == "a library" && inspector.library == "a library")
        #expect(throws: TaskStoreError.self) { try inspector.report() }
        let store = engine.makeStore()
        try store.open(
            manifest, dispatch: Nowhere(), end: { _ in .unknown }, logger: Logger(label: "test"))
        #expect(try inspector.report().names.isEmpty)
        store.close()
        #expect(driver.calls == ["visitor \(place)", "process \(place)", "visitor \(place)"])
    }
}
