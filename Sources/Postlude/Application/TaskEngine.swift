package import ArgumentParser
package import PostludeManifest

/// The engine that stores and runs an application's durable tasks: `TaskEngine.durable { … }` of the module
/// PostludeDurable.
public struct TaskEngine: Sendable {
    package let parts: any TaskEngineParts

    package init(_ parts: any TaskEngineParts) { self.parts = parts }
}

/// The interface of a task engine for the core.
package protocol TaskEngineParts: Sendable {
    /// The library that stores the tasks, with its version, for diagnostics.
    var library: String { get }

    /// The mistakes in the application's declarations of tasks.
    var problems: [String] { get }

    /// Whether the manifest must name a task store.
    var needsTaskStore: Bool { get }

    /// Returns what is wrong with a handler's transaction; nil if it can be opened.
    ///
    /// - Parameter input: the handler's input.
    func problem(ofTransaction input: any TransactionInput.Type) -> String?

    /// Returns the mistakes of a manifest against these declarations.
    func mistakes(in manifest: Manifest, file: String) -> [Diagnostic]

    /// Returns the mistakes of a manifest against the handlers' transactions.
    ///
    /// - Parameter inputs: the handlers' inputs, which are possible as far as the code tells.
    func mistakes(
        ofTransactions inputs: [any TransactionInput.Type], in manifest: Manifest, file: String
    ) -> [Diagnostic]

    /// Notes the manifest with which this process runs the application, before the application starts.
    func prepare(_ manifest: Manifest)

    /// Returns the store of a serving process.
    func makeStore() -> any TaskStore

    /// Returns a store for tests, which receives no tasks from elsewhere.
    ///
    /// - Parameter process: has the files of the store; nil to keep nothing beyond the test.
    func makeOfflineStore(in process: (any OfflineProcess)?) -> any TaskStore

    /// Returns an inspector of the manifest's task store; nil if the manifest has none.
    func makeInspector(_ manifest: Manifest) -> (any TaskInspector)?

    /// Decodes the tasks in the manifest's store with the types of this program. Changes nothing in the store.
    ///
    /// - Parameter time: the time after which no further task is decoded; nil for no limit.
    /// - Throws: an error if the store cannot be read.
    func checkStoredTasks(_ manifest: Manifest, within time: Duration?) throws -> StoredTaskCheck

    /// Returns the additional subcommands of the application's executable.
    func commands<App: Application>(for application: App.Type) -> [any ParsableCommand.Type]
}
