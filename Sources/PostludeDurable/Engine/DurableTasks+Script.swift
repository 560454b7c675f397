public import Postlude

extension DurableTasks {
    /// Opens an application's tasks in a program that does not serve, such as a script. The application is not started.
    ///
    /// ```swift
    /// let tasks = try DurableTasks(of: Shop.self, manifest: "/srv/shop/routes.yaml")
    /// try tasks.enqueue(contentsOf: orders.map { Charge(order: $0) }, over: .seconds(3600))
    /// ```
    ///
    /// Servers may run meanwhile, or not: then the tasks wait for one.
    ///
    /// - Parameters:
    ///   - application: the application that has the kinds.
    ///   - path: the path of the manifest, which names the task store.
    /// - Throws: the mistakes in the manifest; ``DurableTaskError`` if the application has no durable tasks. The task store is opened
    ///   when it is first used.
    public convenience init<App: Application>(of application: App.Type, manifest path: String = "routes.yaml")
        throws
    {
        let app = application.init()
        guard let engine = app.taskEngine?.parts as? DurableEngine else {
            throw DurableTaskError.noEngine(task: "of a script")
        }
        let manifest = try app.manifest(at: path)
        guard let place = engine.place(in: manifest) else {
            throw DurableTaskError.noEngine(task: "of a script")
        }
        self.init(engine.visitorStore(at: place, manifest))
    }
}
