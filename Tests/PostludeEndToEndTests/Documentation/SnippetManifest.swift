/// A manifest snippet, completed, and the program whose handlers and tasks it names.
struct SnippetManifest {
    /// A manifest for the program's handlers.
    let text: String
    /// The executable's path.
    let program: String
    /// What the program needs: the path of a database for tasks that have no file.
    let environment: [String: String]

    /// - Parameter snippet: a manifest, some of its keys, or some of its routes.
    init(_ snippet: String) {
        let known = snippet.replacing(/handler: *[\w-]+/) { _ in "handler: hello" }
            .replacing(/middleware: *\[[^\]]*\]/) { _ in "middleware: [closed]" }
        let keys = Self.rootKeys(of: known)
        var text = known
        if !keys.contains("routes") {
            let isOfRoutes = known.contains(#/^ *- /#.anchorsMatchLineEndings())
            let route = "routes: [{ path: /, method: GET, handler: hello }]\n"
            text = isOfRoutes ? "routes:\n" + known : known + route
        }
        let needsTasks = known.contains("idempotency:")
        if !needsTasks, keys.isDisjoint(with: ["task-store", "durable-tasks", "schedules", "celery"]) {
            program = BuildProducts.testbed
            environment = [:]
        } else if known.contains("postgresql://") {
            program = BuildProducts.durableTestbed
            environment = [:]
        } else if keys.contains("task-store"), !known.contains("path: /var/"), !keys.contains("celery") {
            program = BuildProducts.durableTestbed
            environment = ["TESTBED_DATABASE": "shop.sqlite"]
        } else {
            // The keys that the testbed's own tasks need.
            if !keys.contains("task-store") { text += "task-store: { path: /var/lib/app/tasks.sqlite }\n" }
            if !keys.contains("celery") { text += "celery: { broker: amqp://localhost }\n" }
            program = BuildProducts.celeryTestbed
            environment = [:]
        }
        self.text = text
    }

    private static func rootKeys(of text: String) -> Set<Substring> {
        Set(text.matches(of: #/^([\w-]+):/#.anchorsMatchLineEndings()).map(\.output.1))
    }
}
