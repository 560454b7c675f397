package import ArgumentParser
package import PostludeManifest

/// What keeps an application's durable tasks, and runs them: `TaskEngine.durable { … }` of the module PostludeDurable.
public struct TaskEngine: Sendable {
    package let parts: any TaskEngineParts

    package init(_ parts: any TaskEngineParts) { self.parts = parts }
}

/// What the core asks an engine for.
package protocol TaskEngineParts: Sendable {
    /// The library that keeps the tasks, with its version: for the person on call.
    var library: String { get }

    /// What is wrong with the tasks that the application has named.
    var problems: [String] { get }

    /// - Returns: what of the manifest does not fit to them.
    func mistakes(in manifest: Manifest, file: String) -> [Diagnostic]

    /// - Returns: what a process that serves keeps its tasks with.
    func makeStore() -> any TaskStore

    /// - Returns: the same for tests: nothing is kept beyond the process, and nothing comes from elsewhere.
    func makeOfflineStore() -> any TaskStore

    /// - Returns: what shows the tasks that the manifest's store holds; nil if it names none.
    func makeInspector(_ manifest: Manifest) -> (any TaskInspector)?

    /// - Returns: what the application's executable can do besides.
    func commands<App: Application>(for application: App.Type) -> [any ParsableCommand.Type]
}
