import Testing

@Suite("A manifest with a broker") struct BrokerManifestTests {
    private func check(
        _ celery: String, by executable: String = BuildProducts.brokerTestbed,
        _ routes: String = BrokerProcesses.routes,
        environment: [String: String] = [:]
    ) throws -> Command {
        let folder = try TestFolder()
        let text = TestManifest("journal: { path: /var/tmp/a.journal }\n" + celery, routes: routes).text
        try folder.write("routes.yaml", text)
        return try Command(executable, ["check"], in: folder, environment: environment)
    }

    @Test("The broker's address is checked, also when a variable holds it") func addresses() throws {
        let celery = "celery: { broker: { environment: BROKER } }"
        #expect(try check(celery, environment: ["BROKER": "amqp://localhost"]).exit == .status(0))
        let unset = try check(celery)
        #expect(unset.exit == .status(1))
        #expect(
            unset.errors == "routes.yaml:2:19: the environment has no BROKER, expected a broker's URL in it\n"
        )
        let wrong = try check(celery, environment: ["BROKER": "amqp://me:secret@h:1x/"])
        #expect(wrong.errors.hasPrefix("routes.yaml:2:19: the broker's URL amqp://me:…@h:1x/ has a port"))
        #expect(!wrong.errors.contains("secret"))
    }

    @Test("A broker is needed by those who have one, and by nobody else") func needed() throws {
        let none = try check("")
        #expect(none.exit == .status(1))
        #expect(
            none.errors.hasPrefix(
                "routes.yaml: the application has a broker, and the manifest has no `celery`"))
        let celery = "celery: { broker: 'amqp://localhost' }"
        let engine = try check(celery, by: BuildProducts.durableTestbed, DurableServer.routes)
        #expect(engine.exit == .status(1))
        #expect(engine.errors.hasPrefix("routes.yaml:2:9: the application's taskEngine has no broker"))
    }

    @Test("work says what is wrong with its options, and with the manifest") func work() throws {
        let folder = try TestFolder()
        for (options, part) in [
            (["--queue", "q", "--workers", "0"], "--workers is 0"), (["--queue", ""], "--queue: "),
            ([], "Missing expected argument '--queue <name>'"),
            (["--queue", "q"], "routes.yaml"),
        ] {
            let command = try Command(BuildProducts.brokerTestbed, ["work"] + options, in: folder)
            #expect(command.exit != .status(0))
            #expect(command.errors.contains(part), "\(command.errors)")
        }
        let durable = try Command(BuildProducts.durableTestbed, ["work", "--queue", "q"], in: folder)
        #expect(durable.exit != .status(0), "without a broker there is no such subcommand")
    }
}
