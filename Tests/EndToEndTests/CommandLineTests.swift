import Testing

@Suite("The application's command line")
struct CommandLineTests {
    private static func testbed(
        _ arguments: String..., manifest: TestManifest = TestManifest()
    ) throws -> Command {
        let folder = try TestFolder()
        try folder.write("routes.yaml", manifest.text)
        return try Command(BuildProducts.testbed, arguments, in: folder)
    }

    @Test("check says that a good manifest is good")
    func check() throws {
        let command = try Self.testbed("check")
        #expect(command.exit == .status(0), "\(command.errors)")
        #expect((command.output + command.errors).contains("routes.yaml"))
    }

    @Test("check warns of folders and users that this machine does not have, and names the documents")
    func surroundings() throws {
        let settings = """
            uploads: { folder: /absent/uploads }
            files: { root: /etc/passwd, internal: /x/ }
            listen: { allow-users: [root, nobody-known] }
            openapi: { document: /openapi.json }
            """
        let command = try Self.testbed("check", manifest: TestManifest(settings))
        #expect(command.exit == .status(0), "\(command.errors)")
        for part in [
            "warning: uploads.folder: /absent/uploads cannot be found",
            "warning: files.root: /etc/passwd is not a folder",
            "warning: listen.allow-users: this machine has no user nobody-known", "GET /openapi.json",
        ] {
            #expect(command.output.contains(part), "\(part) in: \(command.output)")
        }
        #expect(!(try Self.testbed("check").output.contains("warning")))
    }

    @Test(
        "check and serve name every mistake by line and column, and end with a failure",
        arguments: ["check", "serve"])
    func mistakes(verb: String) throws {
        let routes = """
              - { path: /hello, method: GET, handler: helo }
              - { path: "/a/{x:integer}", method: GET, handler: hello }
              - { path: /twice, method: FETCH ME, handler: hello }
            """
        let manifest = TestManifest("workers: { min: 9, max: 2 }", routes: routes)
        let command = try Self.testbed(verb, manifest: manifest)
        #expect(command.exit != .status(0))
        let lines = command.errors.split(separator: "\n")
        for line in [1, 3, 4, 5] {
            let found = lines.contains { $0.contains("routes.yaml:\(line):") }
            #expect(found, "line \(line) of the manifest in: \(command.errors)")
        }
        #expect(command.errors.contains("hello"), "the nearest known handler: \(command.errors)")
    }

    @Test("A manifest that is no YAML, is empty or is not there is reported")
    func brokenManifests() throws {
        for text in ["routes: [", "", "routes: 5", "- a\n- b", "\u{feff}routes:\n\t- x"] {
            let folder = try TestFolder()
            try folder.write("routes.yaml", text)
            let command = try Command(BuildProducts.testbed, ["check"], in: folder)
            #expect(command.exit != .status(0), "\(text)")
            #expect(command.errors.contains("routes.yaml"), "\(text): \(command.errors)")
        }
        let absent = try Command(
            BuildProducts.testbed, ["check", "--manifest", "absent.yaml"], in: TestFolder())
        #expect(absent.exit != .status(0))
        #expect(absent.errors.contains("absent.yaml"), "\(absent.errors)")
    }

    @Test("routes prints a table of methods, patterns and handlers")
    func routes() throws {
        let command = try Self.testbed("routes")
        #expect(command.exit == .status(0), "\(command.errors)")
        let line = command.output.split(separator: "\n").first { $0.contains("/process/{item_id:int}") }
        #expect(line?.contains("POST") == true && line?.contains("process-item") == true, "\(command.output)")
        #expect(command.output.split(separator: "\n").count >= 24)
    }

    @Test("match tells which route takes a request, and its parameters")
    func match() throws {
        let found = try Self.testbed("match", "POST", "//process/%34%32?x=1")
        #expect(found.exit == .status(0), "\(found.errors)")
        for part in ["process-item", "/process/{item_id:int}", "item_id", "42"] {
            #expect(found.output.contains(part), "\(part) in: \(found.output)")
        }
        for (method, path) in [("GET", "/process/42"), ("GET", "/nowhere"), ("GET", "/%00")] {
            let missed = try Self.testbed("match", method, path)
            #expect(missed.exit != .status(0), "\(method) \(path): \(missed.output)")
        }
    }

    @Test("schema prints the manifest's JSON Schema")
    func schema() throws {
        let command = try Self.testbed("schema")
        #expect(command.exit == .status(0), "\(command.errors)")
        #expect(command.output.contains("$schema") && command.output.contains("shutdown-grace"))
    }

    @Test("serve without a socket says what to do", arguments: [[], ["serve"]])
    func noSocket(arguments: [String]) throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest().text)
        let command = try Command(BuildProducts.testbed, arguments, in: folder)
        #expect(command.exit != .status(0))
        #expect(
            command.errors.contains("--listen") && command.errors.contains("spawn-fcgi"), "\(command.errors)")
    }

    @Test("A log destination in the manifest is written to, though spawn-fcgi discards standard error")
    func logFile() throws {
        let folder = try TestFolder()
        let manifest = TestManifest("log: { level: info, to: \(folder.file("own.log")) }")
        try Server.run(manifest, in: folder) { server in
            _ = try server.ask(RawRequest("GET", "/boom"))
            try waitUntil("the log file has the error") { folder.text("own.log").contains("/boom") }
        }
    }

    @Test("A prefix in the manifest stands in front of every route")
    func prefix() throws {
        try Server.run(TestManifest("prefix: /api"), awaitingAnswer: false) { server in
            let prefixed = try server.ask(RawRequest("GET", "/api/hello"))
            #expect(prefixed.text == "hello")
            let bare = try server.ask(RawRequest("GET", "/hello"))
            #expect(bare.status == 404)
        }
    }
}
