public import Postlude
package import PostludeManifest
internal import PostludeSQLiteStore
package import PostludeTaskStore

extension TaskEngine {
    /// Returns an engine that keeps durable tasks in the manifest's `task-store`.
    ///
    /// ```swift
    /// var taskEngine: TaskEngine? {
    ///     .durable {
    ///         Charge.self
    ///         SendReceipt.self
    ///     }
    /// }
    /// ```
    ///
    /// - Parameter kinds: every type of durable tasks that the application adds, or that its task store may still contain.
    ///   Their names must differ.
    public static func durable(@DurableTasksBuilder _ kinds: () -> [DurableTaskKind]) -> TaskEngine {
        TaskEngine(DurableEngine(kinds: DurableTaskKinds(kinds())))
    }

    /// Returns an engine that keeps durable tasks, and publishes those for other workers through a broker.
    ///
    /// - Parameters:
    ///   - broker: such as `.celery` of the module PostludeCelery.
    ///   - kinds: as above; none if the application only sends tasks of other programs.
    public static func durable(
        through broker: TaskBroker, @DurableTasksBuilder _ kinds: () -> [DurableTaskKind] = { [] }
    ) -> TaskEngine {
        TaskEngine(DurableEngine(kinds: DurableTaskKinds(kinds()), broker: broker))
    }

    /// Returns an engine that keeps durable tasks where the application chooses.
    ///
    /// ```swift
    /// var taskEngine: TaskEngine? {
    ///     .durable(in: .database(database)) {
    ///         Charge.self
    ///         SendReceipt.self
    ///     }
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - storage: a file of their own, the application's database, or `.postgreSQL` of the module PostludePostgres.
    ///   - broker: such as `.celery` of the module PostludeCelery; nil if no tasks run elsewhere.
    ///   - kinds: every type of durable tasks that the application adds, or that its task store may still contain.
    public static func durable(
        in storage: DurableStorage, through broker: TaskBroker? = nil,
        @DurableTasksBuilder _ kinds: () -> [DurableTaskKind] = { [] }
    ) -> TaskEngine {
        TaskEngine(
            DurableEngine(kinds: DurableTaskKinds(kinds()), broker: broker, driver: storage.driver))
    }
}

extension TaskEngine {
    /// Returns an engine that keeps durable tasks, and by whose handle they can be added anywhere in the application
    /// (<doc:TasksFromAnywhere>).
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
    /// ```
    ///
    /// - Parameters:
    ///   - tasks: the handle, which the application keeps. It belongs to one application.
    ///   - storage: where the tasks are kept.
    ///   - broker: such as `.celery` of the module PostludeCelery; nil if no tasks run elsewhere.
    ///   - kinds: every type of durable tasks that the application adds, or that its task store may still contain.
    public static func durable(
        _ tasks: DurableTasks, in storage: DurableStorage = .file, through broker: TaskBroker? = nil,
        @DurableTasksBuilder _ kinds: () -> [DurableTaskKind] = { [] }
    ) -> TaskEngine {
        var engine = DurableEngine(kinds: DurableTaskKinds(kinds()), broker: broker, driver: storage.driver)
        engine.handle = tasks
        return TaskEngine(engine)
    }
}

package struct DurableEngine: TaskEngineParts {
    package let kinds: DurableTaskKinds
    package let broker: TaskBroker?
    /// The application's handle for adding tasks; nil if it has none.
    var handle: DurableTasks?
    /// Opens the task store, for serving and for the commands and pages that inspect it.
    package let driver: any RecordStoreDriver

    package init(
        kinds: DurableTaskKinds, broker: TaskBroker? = nil,
        driver: any RecordStoreDriver = SQLiteFileDriver()
    ) {
        self.kinds = kinds
        self.broker = broker
        self.driver = driver
    }

    package var library: String { driver.library }

    package var problems: [String] {
        kinds.repeated.map { "two kinds of durable tasks are called \"\($0)\"; names must differ" }
            + kinds.all.flatMap(problems)
    }

    private func problems(of kind: DurableTaskKind) -> [String] {
        var problems = [kind.policy.runs.queue.flatMap { problem(of: kind, that: "runs at", to: $0) }]
        if let destination = kind.policy.rerouting?.destination {
            problems.append(
                destination.queue.map { problem(of: kind, that: "moves to", to: $0) }
                    ?? "the durable task \"\(kind.name)\" moves to .here, where it runs already; name a queue"
            )
        }
        if let limit = kind.policy.limit {
            problems.append(
                limit.isEffective
                    ? LimitMember(of: kind, called: limit.member)?.problem
                    : "the limit of the durable task \"\(kind.name)\" has no running, rate or strict order")
        }
        return problems.compactMap(\.self)
    }

    private func problem(of kind: DurableTaskKind, that verb: String, to queue: String) -> String? {
        guard let broker else {
            return """
                the durable task "\(kind.name)" \(verb) the queue "\(queue)", and the application has no broker: make its \
                taskEngine by .durable(through: .celery)
                """
        }
        return broker.parts.problem(ofQueue: queue).map {
            "the durable task \"\(kind.name)\" \(verb) the queue \"\(queue)\": \($0)"
        }
    }

    /// Whether the application's code names the database, so that the manifest does not.
    package var isInApplicationDatabase: Bool { !driver.needsPlace }
    package var needsTaskStore: Bool { !isInApplicationDatabase }

    package func problem(ofTransaction input: any TransactionInput.Type) -> String? {
        guard let connection = driver.connection else {
            return """
                \(input) needs tasks in the application's database: make its taskEngine by .durable(in: .database(…)), or by a \
                storage of the module PostludePostgres
                """
        }
        return connection == input.connection
            ? nil : "\(input) is not a transaction on the database that has the tasks"
    }

    package func mistakes(
        ofTransactions inputs: [any TransactionInput.Type], in manifest: Manifest, file: String
    ) -> [Diagnostic] {
        guard let settings = manifest.taskStore, let path = settings.path,
            let input = inputs.first(where: { problem(ofTransaction: $0) == nil }),
            let problem = driver.problem(ofTransactionsAt: path)
        else { return [] }
        let location = settings.location ?? SourceLocation(file: file, position: nil)
        return [Diagnostic(location: location, message: "\(input) is not possible: \(problem)")]
    }

    package func mistakes(in manifest: Manifest, file: String) -> [Diagnostic] {
        mistakesOfStorage(in: manifest, file: file) + mistakesOfBroker(in: manifest, file: file)
            + TaskSettingsCheck(kinds: kinds, broker: broker).mistakes(in: manifest)
    }

    private func mistakesOfStorage(in manifest: Manifest, file: String) -> [Diagnostic] {
        guard let settings = manifest.taskStore, let problem = problem(of: settings) else { return [] }
        return [
            Diagnostic(
                location: settings.location ?? SourceLocation(file: file, position: nil), message: problem)
        ]
    }

    private func problem(of settings: Manifest.TaskStore) -> String? {
        guard let path = settings.path else {
            let message =
                "`task-store` has no `path`, expected an absolute path such as /var/lib/app/tasks.sqlite"
            return isInApplicationDatabase ? nil : message
        }
        if isInApplicationDatabase {
            return "the tasks are in the application's database, expected no `path` of `task-store`"
        }
        return driver.problem(ofPlace: path).map { "`task-store`: \($0)" }
    }

    private func mistakesOfBroker(in manifest: Manifest, file: String) -> [Diagnostic] {
        if broker != nil, manifest.celery == nil { return needsOfBroker(in: manifest, file: file) }
        guard let broker else {
            return manifest.celery.map { celery in
                let message =
                    """
                    the application's taskEngine has no broker, expected no `celery`, or an engine made by \
                    .durable(through: .celery)
                    """
                return [Diagnostic(location: celery.location, message: message)]
            } ?? []
        }
        return broker.parts.mistakes(in: manifest)
    }

    /// Returns the kinds that need a broker, which the manifest does not name.
    private func needsOfBroker(in manifest: Manifest, file: String) -> [Diagnostic] {
        kinds.with(manifest).all.compactMap { kind in
            let settings = manifest.durableTasks.first { $0.kind == kind.name }
            let destinations = [
                (kind.policy.runs.queue, settings?.runs, "runs at"),
                (kind.policy.rerouting?.destination.queue, settings?.rerouting?.destination, "moves to"),
            ]
            guard let (queue, destination, verb) = destinations.first(where: { $0.0 != nil }), let queue
            else {
                return nil
            }
            let message =
                """
                the durable task "\(kind.name)" \(verb) the queue "\(queue)", and the manifest has no `celery`: name the \
                broker, such as celery: { broker: amqp://localhost }
                """
            return Diagnostic(
                location: destination?.location ?? SourceLocation(file: file, position: nil), message: message
            )
        }
    }

    /// Returns the task store for a process that does not run tasks, or not yet.
    ///
    /// - Parameter manifest: the settings of the kinds; nil for those of the code.
    func visitorStore(at place: String, _ manifest: Manifest?) -> VisitorStore {
        VisitorStore(
            driver, at: place, kinds: manifest.map(kinds.with) ?? kinds, broker: broker,
            lockTimeout: manifest?.taskStore?.lockTimeout)
    }

    package func prepare(_ manifest: Manifest) {
        guard let handle, let place = place(in: manifest) else { return }
        handle.prepare(visitorStore(at: place, manifest))
    }

    package func makeStore() -> any TaskStore {
        let store = DurableStore(kinds: kinds, broker: broker, driver: driver)
        handle?.attach(store)
        return store
    }

    package func makeOfflineStore(in process: (any OfflineProcess)?) -> any TaskStore {
        let store = OfflineStore(kinds: kinds, broker: broker, driver: driver, in: process)
        handle?.attach(store)
        return store
    }

    package func makeInspector(_ manifest: Manifest) -> (any TaskInspector)? {
        place(in: manifest).map {
            TaskStoreInspector(driver: driver, place: $0, kinds: kinds.all.map(\.name))
        }
    }

    package func checkStoredTasks(_ manifest: Manifest, within time: Duration?) throws -> StoredTaskCheck {
        guard let place = place(in: manifest) else {
            var check = StoredTaskCheck()
            check.hasStore = false
            return check
        }
        var decoding = StoredTaskDecoding(kinds: kinds, within: time)
        return try decoding.check(driver, at: place)
    }

    /// Returns where the driver finds the store; nil if the manifest does not name it.
    package func place(in manifest: Manifest) -> String? {
        isInApplicationDatabase ? "" : manifest.taskStore?.path
    }
}
