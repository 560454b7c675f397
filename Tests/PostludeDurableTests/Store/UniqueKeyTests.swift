import Logging
import PostludeManifest
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import Postlude
@testable import PostludeDurable

/// Tasks with a unique key whose holder changes between `enqueue` and the transaction.
@Suite("Unique keys") struct UniqueKeyTests {
    struct Reindex: DurableTask {
        func run(_ context: TaskContext) async throws {}
    }

    /// A store whose task store the test changes, as another process would.
    private final class SharedStore: DurableTaskStore {
        let kinds = DurableTaskKinds([DurableTaskKind(Reindex.self)])
        let taskStore: SQLiteTaskStore

        init(_ taskStore: SQLiteTaskStore) { self.taskStore = taskStore }

        var broker: (any OpenTaskBroker)? { nil }

        func open(
            _ manifest: Manifest, dispatch: any TaskDispatching,
            end: @escaping @Sendable (Int64) -> ProcessEnd,
            logger: Logger
        ) throws {}
        func applyManifest(_ manifest: Manifest) {}
        func close() {}
        func check(_ task: OutgoingTask, for queue: String) throws {}

        func openAccess() -> TaskStoreAccess { TaskStoreAccess(taskStore: taskStore, outbox: nil) }
        func begin(_ key: RequestKey) throws -> RequestKeyState { try openAccess().begin(key) }
        func persist(_ request: PersistedRequest, within transaction: (any RequestTransaction)?) throws {
            try openAccess().persist(request, within: transaction)
        }
        func holder(of key: String, name: String) throws -> RecordID? {
            try taskStore.holder(of: key, name: name)
        }
        func record(_ id: RecordID) throws -> Record? { try taskStore.record(id) }
        func newest(of key: String, name: String) throws -> Record? {
            try taskStore.newest(of: key, name: name)
        }
    }

    private let folder: TaskStoreFolder
    private let registry: TaskRegistry

    init() throws {
        folder = try TaskStoreFolder()
        registry = TaskRegistry(store: SharedStore(folder.taskStore))
    }

    /// The tasks of another request.
    private func request(_ id: String) -> BackgroundTasks {
        BackgroundTasks(
            TaskQueue(
                of: RequestIdentity(id: id, route: "/"), limits: .init(), logger: LogLines().logger,
                registry: registry))
    }

    /// Adds a task in a request of its own, and returns its id.
    private func add(_ scope: UniqueScope = .unfinished) throws -> RecordID {
        let tasks = request("first")
        try tasks.enqueue(Reindex(), unique: "k", while: scope)
        let persisted = try #require(try tasks.persist().first)
        return try #require(RecordID(persisted.id))
    }

    @Test("A task that ends before the new one is written frees its key: the new one is stored")
    func endedMeanwhile() throws {
        let first = try add()
        let tasks = request("second")
        let handle = try tasks.enqueue(Reindex(), unique: "k")
        #expect(handle.id == first.text)
        folder.taskStore.started(first)
        folder.taskStore.ended(first, .done(result: nil))
        try folder.taskStore.flush()
        let persisted = try #require(try tasks.persist().first)
        #expect(persisted.isNew && persisted.id != first.text)
        let id = try #require(RecordID(persisted.id))
        let record = try #require(try folder.record(id))
        #expect(record.state == .waiting && record.uniqueKey == "k")
    }

    @Test("A task that runs, or that is stored, has its key also after it has begun or ended")
    func stillThere() throws {
        let first = try add(.stored)
        let (tasks, once) = (request("second"), request("third"))
        try tasks.enqueue(Reindex(), unique: "k")
        try once.enqueue(Reindex(), unique: "k", while: .stored)
        folder.taskStore.started(first)
        try folder.taskStore.flush()
        #expect(try tasks.persist().map(\.id) == [first.text])
        folder.taskStore.ended(first, .done(result: nil))
        try folder.taskStore.flush()
        let persisted = try #require(try once.persist().first)
        #expect(!persisted.isNew && persisted.id == first.text && persisted.status.state == .done)
    }

    @Test("If another request adds the key first, `persist` names its task")
    func lostRace() throws {
        let tasks = request("second")
        let handle = try tasks.enqueue(Reindex(), unique: "k")
        let first = try add()
        let persisted = try #require(try tasks.persist().first)
        #expect(!persisted.isNew && persisted.id == first.text && persisted.id != handle.id)
    }
}
