internal import ArgumentParser
public import Postlude

extension TaskEngine {
    /// Durable tasks, kept in the manifest's `journal`.
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
    /// - Parameter kinds: every type of tasks that the application adds, or has added and may still find in its journal.
    ///   Their names must differ.
    public static func durable(@DurableTasksBuilder _ kinds: () -> [DurableTaskKind]) -> TaskEngine {
        TaskEngine(DurableEngine(kinds: DurableTaskKinds(kinds())))
    }
}

struct DurableEngine: TaskEngineParts {
    let kinds: DurableTaskKinds

    var problems: [String] {
        kinds.repeated.map { "two kinds of durable tasks are called \"\($0)\"; names must differ" }
    }

    func makeStore() -> any TaskStore { JournalStore(kinds: kinds) }
    func makeOfflineStore() -> any TaskStore { OfflineStore(kinds: kinds) }
    func commands<App: Application>(for application: App.Type) -> [any ParsableCommand.Type] { [] }
}
