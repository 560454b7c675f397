import Testing

@Suite("A manifest with a broker") struct BrokerManifestTests {
    private func check(
        _ celery: String, by executable: String = BuildProducts.celeryTestbed,
        _ routes: String = BrokerProcesses.routes,
        environment: [String: String] = [:]
    ) throws -> Command {
        let folder = try TestFolder()
        let text = TestManifest("task-store: { path: /var/tmp/a.sqlite }\n" + celery, routes: routes).text
        try folder.write("routes.yaml", text)
        return try Command(executable, ["check"], in: folder, environment: environment)
    }

    @Test("The broker's address is checked, also if a variable holds it") func addresses() throws {
        let celery = "celery: { broker: '${BROKER}' }"
        #expect(try check(celery, environment: ["BROKER": "amqp://localhost"]).exit == .status(0))
        let wrong = try check(celery, environment: ["BROKER": "amqp://me:secret@h:1x/"])
        #expect(wrong.errors.hasPrefix("routes.yaml:2:19: the broker's URL amqp://me:…@h:1x/ has a port"))
        #expect(!wrong.errors.contains("secret"))
        let bracket = try check(celery, environment: ["BROKER": "redis://[::1:6379/0"])
        #expect(
            bracket.errors.hasPrefix("routes.yaml:2:19: the broker's URL redis://[::1:6379/0 has a [ without")
        )
    }

    @Test("Only tasks that go to a broker need a broker") func needed() throws {
        let none = try check("")
        #expect(none.exit == .status(1))
        #expect(
            none.errors.hasPrefix(
                "routes.yaml: the durable task \"app.echo\" runs at the queue \"python\", and the manifest has no `celery`"
            ))
        let here =
            ["app.echo", "Note", "Answer", "Count"].map { "\($0): { runs: here }" }
            + ["app.rerouted", "app.slow", "app.left"].map { "\($0): { rerouting: { celery: moved } }" }
        let moved = try check("durable-tasks: { \(here.joined(separator: ", ")) }")
        #expect(
            moved.errors.hasPrefix("routes.yaml:2:")
                && moved.errors.contains("\"app.rerouted\" moves to the queue \"moved\""),
            "\(moved.errors)")
        let celery = "celery: { broker: 'amqp://localhost' }"
        let engine = try check(celery, by: BuildProducts.durableTestbed, DurableServer.routes)
        #expect(engine.exit == .status(1))
        #expect(engine.errors.hasPrefix("routes.yaml:2:9: the application's taskEngine has no broker"))
    }

    @Test("A new broker address applies at the next start, and no broker is contacted before a task is sent")
    func reload()
        throws
    {
        let folder = try TestFolder()
        func manifest(_ celery: String) -> TestManifest {
            TestManifest(
                "task-store: { path: \(folder.file("tasks.sqlite")) }\ncelery: { \(celery) }",
                routes: BrokerProcesses.routes)
        }
        // No program listens on port 1.
        try Server.run(
            manifest("broker: 'redis://127.0.0.1:1/0'"), in: folder, executable: BuildProducts.celeryTestbed
        ) { server in
            try server.reload(
                manifest("broker: 'redis://127.0.0.1:1/0', results: 'redis://:secret@127.0.0.1:1/1'"), in: 1)
            _ = try server.logLine(holding: "warning", "next start", "celery.results")
            #expect(!server.log.contains("secret") && !server.log.contains("the broker"), "\(server.log)")
        }
    }

    @Test("work reports mistakes in its options and in the manifest") func work() throws {
        let folder = try TestFolder()
        for (options, part) in [
            (["--queue", "q", "--workers", "0"], "--workers is 0"), (["--queue", ""], "--queue: "),
            ([], "Missing expected argument '--queue <name>'"),
            (["--queue", "q"], "routes.yaml"),
        ] {
            let command = try Command(BuildProducts.celeryTestbed, ["work"] + options, in: folder)
            #expect(command.exit != .status(0))
            #expect(command.errors.contains(part), "\(command.errors)")
        }
        let durable = try Command(BuildProducts.durableTestbed, ["work", "--queue", "q"], in: folder)
        #expect(durable.exit != .status(0), "without a broker there is no such subcommand")
    }
}
