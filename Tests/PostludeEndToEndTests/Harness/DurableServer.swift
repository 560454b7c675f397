import Foundation

/// The testbed with durable tasks, and its task store in the test's folder.
enum DurableServer {
    static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /order, method: POST, handler: order }
          - { path: /single, method: POST, handler: single }
          - { path: /throwing, method: POST, handler: throwing }
          - { path: /pay, method: POST, handler: pay, idempotency: { key: required, keep: 1h } }
          - { path: /family, method: POST, handler: family }
          - { path: /busy, method: POST, handler: busy }
          - { path: /cancel, method: POST, handler: cancel }
          - { path: /late, method: POST, handler: late }
          - { path: /keyed, method: GET, handler: keyed }
          - { path: /exclusive, method: POST, handler: exclusive }
          - { path: /journey, method: POST, handler: journey }
          - { path: /poison, method: POST, handler: poison }
          - { path: /poison-task, method: POST, handler: poison-task }
          - { path: /scheduled, method: POST, handler: scheduled }
          - { path: "/tasks/{id}", method: GET, handler: task-status }
          - { path: "/tasks/{ids}/events", method: GET, handler: task-events }
          - { path: "/our/tasks/{id}", method: GET, handler: task-status-for-us }
        """

    static func manifest(
        in folder: TestFolder, _ settings: String = "workers: { min: 2, max: 8 }", taskStore: String? = nil,
        place: String? = nil
    ) -> TestManifest {
        let place = place ?? folder.file("tasks.sqlite")
        let taskStore = ["path: \"\(place)\"", taskStore].compactMap(\.self)
        return TestManifest(
            "\(settings)\ntask-store: { \(taskStore.joined(separator: ", ")) }", routes: routes)
    }

    static func run<R>(
        _ settings: String = "workers: { min: 2, max: 8 }", taskStore: String? = nil,
        in given: TestFolder? = nil, at endpoint: Endpoint? = nil, environment: [String: String] = [:],
        isSupervised: Bool = false,
        ending: Server.Ending = .clean, _ body: (Server) throws -> R
    ) throws -> R {
        let folder = try given ?? TestFolder()
        return try Server.run(
            manifest(in: folder, settings, taskStore: taskStore), in: folder, at: endpoint,
            executable: BuildProducts.durableTestbed,
            environment: environment, isSupervised: isSupervised, ending: ending, body)
    }
}

extension Server {
    /// The ids of the durable tasks that a request has added, from its response.
    func add(_ target: String) throws -> [String] {
        let reply = try ask(RawRequest("POST", target))
        guard reply.status == 202 else { throw Failure(description: "\(target) is answered \(reply.status)") }
        return try reply.http.json([String: [String]].self)["ids"] ?? []
    }
}
