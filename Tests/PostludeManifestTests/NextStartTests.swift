import Testing

@testable import PostludeManifest

@Suite("Changes to a manifest that apply at the next start")
struct NextStartTests {
    private func manifest(_ settings: String) throws -> Manifest {
        try Manifest.parse(
            settings + "\nroutes: [{ path: /, method: GET, handler: home }]\n", file: "routes.yaml",
            handlers: ["home"], environment: [:])
    }

    private static let full = """
        listen: { address: /run/a, owner: a, group: a, mode: "600", backlog: 1, allow-users: [a] }
        status: { listen: /run/s, owner: a, group: a, mode: "600" }
        task-store: { path: /var/a, keep: 1h, keep-failed: 1h, lock-timeout: 1s, max-answers: 1m }
        celery: { broker: "redis://a", results: "redis://a" }
        """

    @Test("Each key of a socket, of the task store and of the broker is named, and no other key")
    func keys() throws {
        let old = try manifest(Self.full)
        #expect(old.keysForNextStart(in: old).isEmpty)
        let other = """
            listen: { address: /run/b, owner: b, group: b, mode: "660", backlog: 2, allow-users: [b] }
            status: { listen: /run/t, owner: b, group: b, mode: "660", task-actions: true, problems: { errors: 1% },
                viewers: [a], operators: [b], user-header: X-User }
            task-store: { path: /var/b, keep: 2h, keep-failed: 2h, lock-timeout: 2s, max-answers: 2m }
            celery: { broker: "redis://b", results: "redis://b" }
            """
        #expect(
            old.keysForNextStart(in: try manifest(other)) == [
                "listen", "listen.owner", "listen.group", "listen.mode", "listen.backlog",
                "listen.allow-users", "status", "status.owner", "status.group", "status.mode",
                "status.task-actions", "status.viewers", "status.operators", "status.user-header",
                "status.problems", "task-store.path", "task-store.keep",
                "task-store.keep-failed", "task-store.lock-timeout", "task-store.max-answers",
                "celery.broker", "celery.results",
            ])
        // A removed mapping is named once.
        #expect(
            old.keysForNextStart(in: try manifest("workers: { max: 9 }")).filter {
                $0.hasPrefix("status") || $0.hasPrefix("task-store")
            } == ["status", "task-store.path"])
        let tcp = try manifest("listen: { address: 127.0.0.1:9000, allow: [10.0.0.1] }")
        let wider = try manifest("listen: { address: 127.0.0.1:9000, allow: [10.0.0.0/8] }")
        #expect(tcp.keysForNextStart(in: wider) == ["listen.allow"])
        let applied = """
            \(Self.full)
            workers: { min: 1, max: 3 }
            processes: { count: 7, max-requests: 9 }
            limits: { body: 1, request-timeout: 1s }
            log: { level: debug }
            shutdown-grace: 3s
            """
        #expect(old.keysForNextStart(in: try manifest(applied)).isEmpty)
    }
}
