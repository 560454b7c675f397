internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore

/// The task store of a process that does not run tasks, or does not run them yet. It is opened as a visitor when it is first
/// used.
final class VisitorStore: Sendable {
    let kinds: DurableTaskKinds
    private let broker: TaskBroker?
    private let driver: any RecordStoreDriver
    private let place: String
    private let lockTimeout: Duration
    private let opened = Lock<(any RecordStore)?>(nil)

    init(
        _ driver: any RecordStoreDriver, at place: String, kinds: DurableTaskKinds, broker: TaskBroker?,
        lockTimeout: Duration?
    ) {
        self.kinds = kinds
        self.broker = broker
        self.driver = driver
        self.place = place
        self.lockTimeout = lockTimeout ?? TaskStoreSettings().lockTimeout
    }

    deinit { close() }

    func check(_ task: OutgoingTask, for queue: String) throws {
        guard let broker else { throw DurableTaskError.noBroker(task: task.name, queue: queue) }
        try broker.parts.check(task, for: queue)
    }

    /// Calls `body` with the task store, which is made if there is none.
    func use<Value>(_ body: (any RecordStore) throws -> Value) throws -> Value {
        do {
            return try body(try taskStore)
        } catch let error as TaskStoreError where error.code == .moved || error.code == .closed {
            // It was replaced since it was opened, by a backup for example.
            close()
            return try body(try taskStore)
        }
    }

    /// Closes the task store until it is used again.
    func close() {
        let taskStore = opened.withLock { opened in
            defer { opened = nil }
            return opened
        }
        // The changes are on the disk before it is closed.
        try? taskStore?.close()
    }

    private var taskStore: any RecordStore {
        get throws {
            try opened.withLock { opened in
                if let opened { return opened }
                let taskStore = try open()
                opened = taskStore
                return taskStore
            }
        }
    }

    private func open() throws(TaskStoreError) -> any RecordStore {
        var settings = TaskStoreSettings()
        settings.lockTimeout = lockTimeout
        let taskStore = try openOrMake(settings)
        try taskStore.register(kinds.all.map(\.shape))
        return taskStore
    }

    private func openOrMake(_ settings: TaskStoreSettings) throws(TaskStoreError) -> any RecordStore {
        do throws(TaskStoreError) {
            return try driver.open(place, role: .visitor, settings: settings)
        } catch {
            guard error.code == .missing else { throw error }
            // No server has been started yet.
            _ = try driver.migrate(place)
            return try driver.open(place, role: .visitor, settings: settings)
        }
    }
}
