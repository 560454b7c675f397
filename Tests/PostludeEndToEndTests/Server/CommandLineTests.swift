import Foundation
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

    @Test("check reports that a valid manifest is valid")
    func check() throws {
        let command = try Self.testbed("check")
        #expect(command.exit == .status(0), "\(command.errors)")
        #expect((command.output + command.errors).contains("routes.yaml"))
    }

    @Test("check warns of folders and users that do not exist on this machine, and names the documents")
    func environmentChecks() throws {
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
        "check and serve name every mistake by line and column, and exit with a failure",
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

    @Test("check examines the folders of logs and sockets, and says for which user")
    func folders() throws {
        let folder = try TestFolder()
        try folder.write("closed.log", "")
        let settings = """
            listen: /absent/a/app.sock
            status: /absent/b/status.sock
            log: { to: /absent/c/own.log, access: { to: "\(folder.file("closed.log"))" } }
            uploads: { folder: "\(folder.path)" }
            """
        try folder.write("routes.yaml", TestManifest(settings).text)
        guard chmod(folder.file("closed.log"), 0o600) == 0, chmod(folder.path, 0o755) == 0 else {
            throw SystemCallError("chmod")
        }
        let command = try Command(BuildProducts.testbed, ["check"], in: folder)
        #expect(command.exit == .status(0), "\(command.errors)")
        for part in [
            "warning: listen: /absent/a cannot be found", "warning: status: /absent/b cannot be found",
            "warning: log.to: /absent/c cannot be found", "checked as the user root",
        ] {
            #expect(command.output.contains(part), "\(part) in: \(command.output)")
        }
        #expect(!command.output.contains("closed.log"))
        let other = try Command(BuildProducts.testbed, ["check", "--user", "www-data"], in: folder)
        for part in [
            "warning: log.access.to: \(folder.file("closed.log")) cannot be written by the user www-data",
            "warning: uploads.folder: \(folder.path) cannot be written by the user www-data",
            "checked as the user www-data",
        ] {
            #expect(other.output.contains(part), "\(part) in: \(other.output)")
        }
        let unknown = try Command(BuildProducts.testbed, ["check", "--user", "nobody-known"], in: folder)
        #expect(unknown.exit == .status(1) && unknown.errors.contains("no such user"))
    }

    @Test("Mistakes in the manifest, and between it and the application, are reported together")
    func oneRound() throws {
        let folder = try TestFolder()
        try folder.write(
            "routes.yaml",
            """
            workers: { min: 9, max: 2 }
            durable-tasks: { Stp: { attempts: 2 } }
            schedules: { a: { cron: '61 * * * *', task: Step, arguments: { label: a, number: 1 } } }
            routes: [{ path: /, method: GET, handler: helo }]
            """)
        let command = try Command(BuildProducts.durableTestbed, ["check"], in: folder)
        #expect(command.exit == .status(1))
        for part in [
            "the manifest has no `task-store`", "routes.yaml:1:", "routes.yaml:2:", "routes.yaml:3:",
            "routes.yaml:4:",
        ] {
            #expect(command.errors.contains(part), "\(part) in: \(command.errors)")
        }
        // A folder that exists and is wrong is not reported as missing.
        try folder.write(
            "routes.yaml", "task-store: { path: 5 }\nroutes: [{ path: /, method: GET, handler: helo }]\n")
        let wrong = try Command(BuildProducts.durableTestbed, ["check"], in: folder)
        #expect(!wrong.errors.contains("has no `task-store`") && wrong.errors.contains("routes.yaml:1:"))
    }

    @Test("check examines the folder of the task store")
    func folderOfTaskStore() throws {
        let folder = try TestFolder()
        let manifest = DurableServer.manifest(in: folder).text
            .replacing(folder.file("tasks.sqlite"), with: "/absent/t/tasks.sqlite")
        try folder.write("routes.yaml", manifest)
        let command = try Command(BuildProducts.durableTestbed, ["check"], in: folder)
        #expect(command.exit == .status(0), "\(command.errors)")
        #expect(
            command.output.contains("warning: task-store.path: /absent/t cannot be found"),
            "\(command.output)")
    }

    @Test("--version names the application's and Postlude's")
    func version() throws {
        let command = try Self.testbed("--version")
        #expect(command.exit == .status(0))
        #expect(command.output.hasPrefix("PostludeTestbed 1.2.3-test (Postlude "), "\(command.output)")
    }

    @Test("An unknown command gets the main usage and a suggestion, at each level")
    func unknownCommand() throws {
        let command = try Self.testbed("rotes", "--manifest", "x")
        #expect(command.exit == .status(64) && command.output.isEmpty)
        #expect(
            command.errors.hasPrefix(
                "PostludeTestbed: there is no command `rotes`; the nearest is `routes`\n"))
        #expect(command.errors.contains("SUBCOMMANDS:") && command.errors.contains("openapi"))
        let nested = try Command(BuildProducts.durableTestbed, ["tasks", "lst"], in: TestFolder())
        #expect(nested.exit == .status(64))
        #expect(
            nested.errors.contains("there is no command `lst`; the nearest is `list`"), "\(nested.errors)")
        #expect(nested.errors.contains("discard") && !nested.errors.contains("openapi"))
    }

    @Test(
        "On a full disk a command fails, and says so",
        arguments: [
            ["routes"], ["check"], ["openapi"], ["schema"], ["nginx", "--socket", "/run/a.sock"],
            ["match", "GET", "/hello"], ["--help"], ["--version"], ["routes", "--help"], ["manual"],
            ["--generate-completion-script", "bash"],
        ])
    func fullDisk(arguments: [String]) throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest().text)
        let words = ([BuildProducts.testbed] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let command = try Command("/bin/sh", ["-c", "\(words) > /dev/full"], in: folder)
        #expect(command.exit == .status(1))
        #expect(
            command.errors.contains("cannot write to standard output: No space left"), "\(command.errors)")
    }

    @Test("manual prints a page that man shows without a complaint; completion scripts are scripts")
    func manual() throws {
        let folder = try TestFolder()
        let words = "'\(BuildProducts.durableTestbed)' manual > manual.1"
        #expect(try Command("/bin/sh", ["-c", words], in: folder).exit == .status(0))
        let shown = try Command("/usr/bin/man", ["--warnings", "--local-file", "manual.1"], in: folder)
        #expect(shown.exit == .status(0) && shown.errors.isEmpty, "\(shown.errors)")
        for part in ["tasks list", "--manifest", "(default: routes.yaml)", "NO_COLOR", "EXIT STATUS"] {
            #expect(shown.output.contains(part), "\(part) in: \(shown.output)")
        }
        let script = try Self.testbed("--generate-completion-script", "bash")
        try folder.write("complete.sh", script.output)
        let words2 = """
            . ./complete.sh; COMP_WORDS=(PostludeTestbed rou); COMP_CWORD=1; COMP_LINE='PostludeTestbed rou'
            COMP_POINT=${#COMP_LINE}; _PostludeTestbed PostludeTestbed rou PostludeTestbed; echo "${COMPREPLY[@]}"
            """
        let completed = try Command("/bin/bash", ["-c", words2], in: folder)
        #expect(completed.output.contains("routes"), "\(completed.output)\(completed.errors)")
    }

    @Test("routes, match and check print JSON for programs")
    func json() throws {
        func object(_ arguments: String..., manifest: TestManifest = TestManifest(), status: Int32 = 0) throws
            -> Any
        {
            let folder = try TestFolder()
            try folder.write("routes.yaml", manifest.text)
            let command = try Command(BuildProducts.testbed, arguments + ["--json"], in: folder)
            #expect(command.exit == .status(status), "\(command.errors)")
            return try JSONSerialization.jsonObject(with: Data(command.output.utf8))
        }
        let documented = TestManifest("openapi: { document: /openapi.json }")
        let routes = try #require(try object("routes", manifest: documented) as? [[String: Any]])
        #expect(
            routes.first?["pattern"] as? String == "/hello" && routes.first?["handler"] as? String == "hello")
        #expect(routes.first?["methods"] as? [String] == ["GET"])
        #expect((routes.first?["location"] as? [String: Any])?["line"] as? Int == 3)
        #expect(routes.last?["pattern"] as? String == "/openapi.json")
        let found = try #require(try object("match", "POST", "/process/42") as? [String: Any])
        #expect((found["route"] as? [String: Any])?["handler"] as? String == "process-item")
        #expect(found["parameters"] as? [String: String] == ["item_id": "42"])
        let missed = try #require(try object("match", "GET", "/nowhere", status: 1) as? [String: Any])
        #expect(missed["status"] as? Int == 404 && missed["reason"] as? String != nil)
        let right = try #require(try object("check") as? [String: Any])
        #expect(right["valid"] as? Bool == true && right["user"] as? String != nil)
        let routesOfWrong = "  - { path: /hello, method: GET, handler: helo }"
        let wrong = try #require(
            try object(
                "check", manifest: TestManifest("workers: { min: 2 }", routes: routesOfWrong), status: 1)
                as? [String: Any])
        let mistakes = try #require(wrong["mistakes"] as? [[String: Any]])
        #expect(wrong["valid"] as? Bool == false && mistakes.count == 1)
        #expect((mistakes.first?["location"] as? [String: Any])?["line"] as? Int == 3)
        let page = try String(
            contentsOfFile: BuildProducts.repository + "/Sources/Postlude/Postlude.docc/CommandLine.md",
            encoding: .utf8)
        let objects = routes + [found, missed, right, wrong] + mistakes
        for name in Set(objects.flatMap(\.keys)) {
            #expect(page.contains("`\(name)`"), "\(name) is not documented")
        }
    }

    @Test(
        "check and serve refuse a path that lacks its handler's parameters, by line and column",
        arguments: ["check", "serve"])
    func paths(verb: String) throws {
        let routes = """
              - { path: "/process/{item:int}", method: POST, handler: process-item }
              - { path: "/value/{item_id}/{more}", method: POST, handler: process-item }
            """
        let command = try Self.testbed(verb, manifest: TestManifest("", routes: routes))
        #expect(command.exit != .status(0))
        for part in [
            "routes.yaml:3:13: the handler \"process-item\" takes `item_id` of its path; found {item}, expected {item_id}",
            "routes.yaml:4:13: unknown parameter {more}",
        ] {
            #expect(command.errors.contains(part), "\(part) in: \(command.errors)")
        }
    }

    @Test("A manifest that is not YAML, is empty or does not exist is reported")
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

    @Test("routes, check and serve know the middleware of groups and routes")
    func middleware() throws {
        let group =
            "  - { prefix: /shut, middleware: [NAME], routes: [{ path: /hello, method: GET, handler: hello }] }"
        let closed = TestManifest("", routes: group.replacing("NAME", with: "closed"))
        let table = try Self.testbed("routes", manifest: closed)
        #expect(table.exit == .status(0), "\(table.errors)")
        #expect(table.output.contains("MIDDLEWARE"), "\(table.output)")
        let line = table.output.split(separator: "\n").first { $0.contains("/shut/hello") }
        #expect(line?.contains("closed") == true, "\(table.output)")
        let wrong = try Self.testbed(
            "check", manifest: TestManifest("", routes: group.replacing("NAME", with: "close")))
        #expect(wrong.exit != .status(0))
        #expect(
            wrong.errors.contains(
                "routes.yaml:3:35: unknown middleware `close` (nearest: closed), expected one that the application registers"
            ),
            "\(wrong.errors)")
    }

    @Test("match prints the route that matches a request, and its parameters")
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
        let status = try Self.testbed("schema", "--status")
        #expect(status.exit == .status(0) && status.output.contains("max children reached"))
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

    @Test("A prefix in the manifest precedes every route")
    func prefix() throws {
        try Server.run(TestManifest("prefix: /api"), awaitingAnswer: false) { server in
            let prefixed = try server.ask(RawRequest("GET", "/api/hello"))
            #expect(prefixed.text == "hello")
            let bare = try server.ask(RawRequest("GET", "/hello"))
            #expect(bare.status == 404)
        }
    }
}
