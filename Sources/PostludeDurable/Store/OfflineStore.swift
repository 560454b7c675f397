internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Postlude
internal import PostludeManifest
internal import PostludeSQLiteStore
internal import PostludeSystem
internal import PostludeTaskStore

/// The durable tasks' store of tests without a server. Its task store is a temporary file, which is removed with it, unless the
/// application's code names its own database: a transaction of a handler contains both. Tasks run when the test runs them, and can
/// be looked up.
final class OfflineStore: DurableTaskStore, OfflineTaskStore, ReceiptStore {
    /// The largest number of requests that a test takes at once.
    private static let longestTake = 10_000

    private let declared: DurableTaskKinds
    private let schedules = Lock<[Manifest.Schedule]>([])
    private let current: Lock<DurableTaskKinds>
    private let parts: (any TaskBrokerParts)?
    /// The temporary folder and its task store, made on first use: most tests have no durable tasks.
    private let opened = Lock<(folder: URL?, access: TaskStoreAccess)?>(nil)
    /// Why the store in the application's database could not be opened.
    private let failure = Lock<(any Error)?>(nil)
    private let driver: any RecordStoreDriver
    /// What follows tasks for event streams, made on first use.
    private let follower = Lock<ReceiptFollower?>(nil)
    private let process: (any OfflineProcess)?

    /// - Parameter process: the process that it is in, if that may die: its files are in the process's folder.
    init(
        kinds: DurableTaskKinds, broker: TaskBroker? = nil,
        driver: any RecordStoreDriver = SQLiteFileDriver(), in process: (any OfflineProcess)? = nil
    ) {
        self.process = process
        self.driver = driver
        declared = kinds
        current = Lock(kinds.withoutLimits)
        parts = broker?.parts
    }

    deinit {
        follower.withLock { $0 }?.stop()
        guard let (folder, access) = opened.withLock({ $0 }) else { return }
        // The task store is not used any more: its folder can be removed before it is closed.
        if let folder { OfflineFolders.remove(folder) }
        try? access.taskStore.close()
    }

    var kinds: DurableTaskKinds { current.withLock { $0 } }

    func applyManifest(_ manifest: Manifest) {
        // A limited task would not run when the test says so.
        current.withLock { $0 = declared.with(manifest).withoutLimits }
        schedules.withLock { $0 = manifest.schedules }
        // Not on the first use, which may be within a transaction of the application's writer.
        guard !driver.needsPlace, opened.withLock({ $0 == nil }) else { return }
        do {
            let access = try open(driver, at: "")
            opened.withLock { $0 = (nil, access) }
        } catch {
            failure.withLock { $0 = error }
        }
    }

    func fire(_ schedule: String, at time: Date) throws -> TakenTasks {
        let schedules = schedules.withLock { $0 }
        guard let settings = schedules.first(where: { $0.name == schedule }) else {
            throw UnknownSchedule(name: schedule, known: schedules.map(\.name))
        }
        let kinds = kinds
        guard let request = settings.request(of: kinds, at: time, now: Date()),
            let kind = kinds[settings.task.value]
        else { throw DurableTaskError.unknownKind(task: settings.task.value, type: settings.task.value) }
        let access = try access
        try access.taskStore.flush()
        let results = try access.taskStore.append(request)
        let tasks = try results.compactMap { result -> (any PersistedTask)? in
            guard case .added(let id) = result, let record = try access.taskStore.record(id),
                record.queue == nil
            else { return nil }
            return LocalDurableTask(kind, claimed: record, as: try kind.decode(record.payload), in: access)
        }
        return TakenTasks(origin: TaskOrigin(requestID: request.id, route: ""), tasks: tasks)
    }

    func takeDue(skippingDelays: Bool) throws -> [TakenTasks] {
        let access = try access
        let (taskStore, kinds) = (access.taskStore, kinds)
        try taskStore.flush()
        try access.control.follow(taskStore) { _ in }
        if let process {
            // Its clock is advanced instead, so that what was due earlier still is.
            if skippingDelays, let due = try taskStore.nextDue(takingSuspect: true) {
                process.advanceClock(to: due)
            }
        } else if skippingDelays {
            let waiting = try taskStore.list(
                RecordFilter(states: [.waiting]), .oldestFirst, after: nil, limit: Self.longestTake)
            _ = try taskStore.retry(
                waiting.records.filter { $0.owner == nil && !$0.isPaused }.map(\.id))
        }
        return try taskStore.claim(Self.longestTake, takingSuspect: true).map { request in
            let tasks = try request.records.map { record in
                guard let kind = kinds[record.name] else {
                    throw DurableTaskError.unknownKind(task: record.name, type: record.name)
                }
                let task = try kind.decode(record.payload)
                return LocalDurableTask(kind, claimed: record, as: task, in: access) as any PersistedTask
            }
            return TakenTasks(
                origin: TaskOrigin(requestID: request.id, route: request.route), tasks: tasks)
        }
    }

    var broker: (any OpenTaskBroker)? { nil }

    func open(
        _ manifest: Manifest, dispatch: any TaskDispatching, end: @escaping @Sendable (Int64) -> ProcessEnd,
        logger: Logger
    ) throws {}
    func close() {}

    func check(_ task: OutgoingTask, for queue: String) throws {
        guard let parts else { throw DurableTaskError.noBroker(task: task.name, queue: queue) }
        try parts.check(task, for: queue)
    }

    func begin(_ key: RequestKey) throws -> RequestKeyState { try access.begin(key) }

    func persist(_ request: PersistedRequest, within transaction: (any RequestTransaction)?) throws {
        let access = try access
        try access.persist(request, within: transaction)
        // A test must see what a client would see.
        try access.taskStore.flush()
    }

    func holder(of key: String, name: String) throws -> RecordID? {
        try access.taskStore.flush()
        return try access.taskStore.holder(of: key, name: name)
    }

    func record(_ id: RecordID) throws -> Record? {
        try access.taskStore.flush()
        return try access.taskStore.record(id)
    }

    func newest(of key: String, name: String) throws -> Record? {
        try access.taskStore.flush()
        return try access.taskStore.newest(of: key, name: name)
    }

    func openAccess() throws -> TaskStoreAccess { try access }

    func receipts() throws -> ReceiptFollower {
        let taskStore = try access.taskStore
        return try follower.withLock { follower in
            if let follower { return follower }
            let made = try ReceiptFollower(of: taskStore, logger: Logger(label: "postlude"))
            follower = made
            return made
        }
    }

    func wake() {
        guard let access = opened.withLock({ $0?.access }) else { return }
        // A test has no thread that follows. A failure is that of the test's next call.
        _ = try? access.control.follow(access.taskStore) { _ in }
    }

    func open() throws { _ = try access }

    /// The driver of a store at a path.
    private var offlineDriver: any RecordStoreDriver { driver.offlineDriver ?? SQLiteFileDriver() }

    private func open(_ driver: any RecordStoreDriver, at place: String) throws -> TaskStoreAccess {
        var settings = TaskStoreSettings()
        if let process { ExploredRecordStore.prepare(&settings, for: process) }
        var taskStore = try driver.open(place, role: .process, settings: settings)
        try taskStore.register(declared.all.map(\.shape))
        if let process {
            let explored = ExploredRecordStore(taskStore, in: process)
            process.follow(explored)
            driver.observeCommits(by: explored)
            taskStore = explored
        }
        return TaskStoreAccess(taskStore: taskStore, outbox: nil, isOffline: true)
    }

    private var access: TaskStoreAccess {
        get throws {
            try opened.withLock { opened in
                if let opened { return opened.access }
                if let failure = failure.withLock({ $0 }) { throw failure }
                if let process {
                    let access = try open(offlineDriver, at: process.folder + "/tasks.sqlite")
                    opened = (nil, access)
                    return access
                }
                let folder = FileManager.default.temporaryDirectory
                    .appending(path: "postlude-task-store-\(RecordID.make(at: 0))")
                try OfflineFolders.make(folder)
                let access = try open(offlineDriver, at: folder.appending(path: "tasks.sqlite").path)
                opened = (folder, access)
                return access
            }
        }
    }
}

/// A test has fired a schedule that the manifest does not have.
private struct UnknownSchedule: Error, CustomStringConvertible {
    let name: String
    let known: [String]

    var description: String {
        let all = known.isEmpty ? "none" : known.joined(separator: ", ")
        return "the manifest has no schedule \"\(name)\"; its schedules: \(all)"
    }
}

/// The temporary folders of task stores. Each is removed with its store, or when the process exits: the last test's store may
/// live until then.
private enum OfflineFolders {
    private static let all = Lock<Set<URL>>([])
    private static let atExit: Int32 = atexit {
        for folder in all.withLock({ $0 }) { try? FileManager.default.removeItem(at: folder) }
    }

    static func make(_ folder: URL) throws {
        // Registers the exit handler once, before the first folder.
        _ = atExit
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        _ = all.withLock { $0.insert(folder) }
    }

    static func remove(_ folder: URL) {
        _ = all.withLock { $0.remove(folder) }
        // A folder that cannot be removed stays in the system's temporary directory.
        try? FileManager.default.removeItem(at: folder)
    }
}
