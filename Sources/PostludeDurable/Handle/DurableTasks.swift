internal import FoundationEssentials
internal import Postlude
internal import PostludeManifest
internal import PostludeSystem
internal import PostludeTaskStore

/// Durable tasks outside of handlers: in services, `start()`, ordinary tasks and scripts (<doc:TasksFromAnywhere>).
///
/// ```swift
/// let tasks = DurableTasks()
///
/// var taskEngine: TaskEngine? {
///     .durable(tasks) {
///         Charge.self
///         SendReceipt.self
///     }
/// }
///
/// func start() async throws {
///     try tasks.enqueue(Charge(order: 1), unique: "first", while: .stored)
/// }
/// ```
///
/// The application keeps one as a property, and passes it to its engine and to its services. It is connected when the application
/// is started, by a server, by `tasks drain` or in a test; each application has its own. A task finds the one of its process as
/// ``Postlude/TaskContext/durableTasks``.
///
/// Its methods block the calling thread for the time of a commit, a few milliseconds as a rule.
public final class DurableTasks: Sendable {
    /// The largest number of tasks that one call adds.
    static let limit = 10_000

    private struct State {
        /// The store of the running application, which owns it.
        weak var attached: (any DurableTaskStore)?
        var visitor: VisitorStore?
    }

    private let state: Lock<State>
    /// The request from which tasks are added; nil if there is none.
    private let origin: TaskOrigin?

    /// Makes a handle for an application, to be passed to its ``Postlude/TaskEngine/durable(_:in:through:_:)``.
    public init() {
        state = Lock(State())
        origin = nil
    }

    /// Makes a handle of a task store that no server of this process opens.
    init(_ visitor: VisitorStore) {
        state = Lock(State(visitor: visitor))
        origin = nil
    }

    /// Makes the handle of a running task.
    ///
    /// - Parameter store: the store of its process; nil if that has none.
    init(_ store: (any DurableTaskStore)?, of origin: TaskOrigin) {
        state = Lock(State(attached: store))
        self.origin = origin
    }

    /// Connects the handle with a store that is or will be opened.
    func attach(_ store: any DurableTaskStore) { state.withLock { $0.attached = store } }

    /// Connects the handle with a store that is used while the other one is not open: before the server has started, and after it
    /// has ended.
    func prepare(_ visitor: VisitorStore) { state.withLock { $0.visitor = visitor } }

    // MARK: Adding

    /// Adds a durable task. It is on the disk when this returns, and runs in any process that is free.
    ///
    /// - Parameters:
    ///   - task: the task, which is encoded as JSON.
    ///   - delay: the time after which the task runs; nil for at once.
    ///   - key: the unique key. If another task of this kind has it, the new one is not added: the other one stands for it.
    ///   - scope: which other tasks count: those that are not over, or all that are still in the task store.
    ///   - expiry: as in ``DurablePolicy/expiry``; nil for the kind's.
    ///   - priority: nil for the kind's.
    /// - Returns: the new task, or the one that has its key.
    /// - Throws: ``DurableTaskError`` if the application does not have the kind, or is not started; the error of encoding the
    ///   task; an error if the task store cannot be written; for a kind that may be published, an error if its broker would not
    ///   accept it.
    @discardableResult
    public func enqueue<Task: DurableTask>(
        _ task: Task, after delay: Duration? = nil, unique key: String? = nil,
        while scope: UniqueScope = .unfinished, expiry: Duration? = nil, priority: DurablePriority? = nil
    ) throws -> PersistedDurableTask {
        let options = EnqueueOptions(
            delay: delay, key: key, scope: scope, expiry: expiry, priority: priority)
        let added = try append(kind: Task.name) { kinds, requestID, check in
            [try kinds.record(of: task, options, from: requestID, check: check).record]
        }
        guard let first = added.first else { throw DurableTaskError.notConnected(task: Task.name) }
        return first
    }

    /// Adds durable tasks of one kind in one transaction: all of them are on the disk when this returns, or none is. They run
    /// independently of each other, in all processes.
    ///
    /// - Parameters:
    ///   - tasks: the tasks, at most 10,000.
    ///   - duration: the time over which they are spread evenly: the first one runs after `delay`, and the last one shortly
    ///     before this time is over. nil to run all of them as soon as possible.
    ///   - delay: the time after which the first one runs; nil for at once.
    ///   - key: returns the unique key of a task; nil for none.
    ///   - scope: which other tasks count.
    ///   - expiry: as in ``DurablePolicy/expiry``; nil for the kind's.
    ///   - priority: nil for the kind's.
    /// - Returns: for each task, the new task or the one that has its key.
    /// - Throws: the same errors as for one task; ``DurableTaskError`` if there are too many.
    @discardableResult
    public func enqueue<Tasks: Collection>(
        contentsOf tasks: Tasks, over duration: Duration? = nil, after delay: Duration? = nil,
        unique key: (Tasks.Element) -> String? = { _ in nil }, while scope: UniqueScope = .unfinished,
        expiry: Duration? = nil, priority: DurablePriority? = nil
    ) throws -> [PersistedDurableTask] where Tasks.Element: DurableTask {
        try Self.checkCount(tasks)
        let (count, now) = (tasks.count, Date())
        guard count > 0 else { return [] }
        return try append(kind: Tasks.Element.name) { kinds, requestID, check in
            try tasks.enumerated().map { index, task in
                var options = EnqueueOptions(
                    delay: delay, key: key(task), scope: scope, expiry: expiry, priority: priority)
                if let duration { options.delay = (delay ?? .zero) + duration / count * index }
                return try kinds.record(of: task, options, from: requestID, at: now, check: check).record
            }
        }
    }

    static func checkCount<Tasks: Collection>(_ tasks: Tasks) throws where Tasks.Element: DurableTask {
        guard tasks.count <= limit else {
            throw DurableTaskError.tooMany(task: Tasks.Element.name, limit: limit)
        }
    }

    /// Stores records.
    ///
    /// - Parameter make: makes them of the application's kinds, with the id of their request.
    private func append(
        kind: String,
        _ make: (
            _ kinds: DurableTaskKinds, _ requestID: String,
            _ check: (OutgoingTask, String) throws -> Void
        ) throws -> [NewRecord]
    ) throws -> [PersistedDurableTask] {
        try perform(for: kind) { target in
            let origin =
                origin
                ?? TaskOrigin(requestID: RecordID.make(at: Date().milliseconds).text, route: "")
            let records = try make(target.kinds, origin.requestID, target.check)
            let request = NewRequest(id: origin.requestID, route: origin.route, records: records)
            let results = try target.taskStore.appendSeparately(request)
            target.added(records)
            return zip(results, records).map { PersistedDurableTask($0, as: $1, of: origin) }
        }
    }

    // MARK: The store

    /// The task store of a call.
    struct Target {
        let kinds: DurableTaskKinds
        let taskStore: any RecordStore
        let check: (OutgoingTask, String) throws -> Void
        /// Has new records run, or published.
        let added: ([NewRecord]) -> Void
    }

    /// Calls `body` with the task store of the running application, or with a visitor's.
    func perform<Value>(for kind: String, _ body: (Target) throws -> Value) throws -> Value {
        let (attached, visitor) = state.withLock { ($0.attached, $0.visitor) }
        if let attached {
            do {
                let access = try attached.openAccess()
                visitor?.close()
                return try body(Target(attached, access))
            } catch {
                // The server has not opened its store yet, or has closed it.
                let isUnavailable = error is HTTPError || (error as? TaskStoreError)?.code == .closed
                guard isUnavailable, visitor != nil else { throw error }
            }
        }
        guard let visitor else { throw DurableTaskError.notConnected(task: kind) }
        return try visitor.use { taskStore in
            try body(Target(kinds: visitor.kinds, taskStore: taskStore, check: visitor.check) { _ in })
        }
    }

    /// Closes the task store, in a script that has opened it. It is opened again if the handle is used.
    public func close() { state.withLock { $0.visitor }?.close() }
}

extension DurableTasks.Target {
    fileprivate init(_ store: any DurableTaskStore, _ access: TaskStoreAccess) {
        self.init(kinds: store.kinds, taskStore: access.taskStore, check: store.check) { records in
            if records.contains(where: { $0.queue != nil }) { access.outbox?.wake() }
            store.wake()
        }
    }
}
