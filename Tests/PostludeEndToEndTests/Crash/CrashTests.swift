import Foundation
import Testing

@Suite("A process crashes and the server lives on", .timeLimit(.minutes(10)))
struct CrashTests {
    private struct Status: Decodable {
        var state: String
        var error: String?
    }

    private static let settings = "workers: { min: 2, max: 8 }\nprocesses: { count: 2 }"

    private static func run(
        in folder: TestFolder? = nil, taskStore: String? = nil, _ body: (Server) throws -> Void
    ) throws {
        // A backtrace takes seconds.
        try DurableServer.run(
            settings, taskStore: taskStore, in: folder, environment: ["SWIFT_BACKTRACE": "enable=no"],
            isSupervised: true, ending: .cleanAfterTraps
        ) { server in
            try waitUntil("both are ready: \(server.log)") { server.logCount(of: "a process is ready") == 2 }
            try body(server)
        }
    }

    @Test(
        "A durable task that ends its process is a dead letter after three deaths, and everything else continues",
        arguments: ["trap", "values"])
    func poison(harm: String) throws {
        try Self.run { server in
            let id = try #require(try server.add("/poison-task?harm=\(harm)").first)
            try waitUntil("it is a dead letter: \(server.log)", within: .seconds(60)) {
                server.logCount(of: "critical", "a durable task is a dead letter", id) == 1
            }
            try server.expectAnswers()
            #expect(server.logCount(of: "a process has died", "signal") == 3)
            #expect(server.logCount(of: "a durable task's process died", "Poison", id, "/poison-task") == 2)
            #expect(server.logCount(of: "a process left unfinished", "was running the task Poison") == 3)
            // The entry is in the log before it is on the disk.
            let status = try eventually("its page says so: \(server.log)") {
                let status = try server.ask(RawRequest("GET", "/our/tasks/\(id)")).http.json(Status.self)
                return status.state == "failed" ? status : nil
            }
            #expect(status.error?.contains("its process died: signal") == true)
            if harm == "trap" {
                // Each attempt that has begun counts, even if the process ended before anything was on the
                // disk.
                #expect(server.folder.events("poisoned") == ["trap 1", "trap 2", "trap 3"])
            }
        }
    }

    @Test("A request that ends its process is named in the log, and the next one is answered, each time")
    func handler() throws {
        try Self.run { server in
            for count in 1...8 {
                let peer = try server.peer()
                try peer.send(RawRequest("POST", "/poison?harm=trap&count=\(count)"))
                try waitUntil("death \(count): \(server.log)") {
                    server.logCount(of: "a process has died") == count
                }
                #expect(
                    server.logCount(
                        of: "a process left unfinished", "POST /poison?harm=trap&count=\(count)",
                        "route /poison",
                        "handler poison") == 1)
                try server.expectAnswers()
            }
        }
    }

    @Test("A manifest that ends the program that decodes a schedule's arguments is refused at SIGHUP")
    func poisonedManifest() throws {
        try Self.run { server in
            let children = Set(server.children)
            let schedule =
                "schedules: { a: { cron: '* * * * *', task: Poison, arguments: { harm: values } } }"
            let manifest = DurableServer.manifest(in: server.folder, "\(Self.settings)\n\(schedule)")
            try server.folder.write("routes.yaml", manifest.text)
            server.process.send(signal: SIGHUP)
            try waitUntil("it is refused: \(server.log)") {
                server.logCount(
                    of: "the manifest is refused, the old one stays", "its check ended with signal")
                    == 1
            }
            try server.expectAnswers()
            #expect(Set(server.children) == children && server.logCount(of: "a process has died") == 0)
        }
    }

    @Test("A stopped process is killed and replaced")
    func stopped() throws {
        try DurableServer.run(
            "workers: { min: 2, max: 8 }\nprocesses: { count: 2, watchdog: 3s }", isSupervised: true,
            ending: .cleanAfterTraps
        ) { server in
            try waitUntil("both are ready: \(server.log)") { server.logCount(of: "a process is ready") == 2 }
            let victim = try #require(server.children.first)
            try suspend(victim)
            try waitUntil("it is killed: \(server.log)") {
                server.logCount(of: "a process gives no sign of life and is killed", "pid=\(victim)") == 1
            }
            try waitUntil("it is replaced: \(server.log)") { server.logCount(of: "a process is ready") == 3 }
            _ = try server.add("/single?label=a")
            try server.expectAnswers()
        }
    }

    @Test("A process that finds its task store locked serves without it, and opens it as soon as it can")
    func lockedTaskStore() throws {
        let folder = try TestFolder()
        try Self.run(in: folder, taskStore: "lock-timeout: 50ms") { server in
            // Of two processes that open it together, one may find it locked by the other.
            try waitUntil("it is open in both: \(server.log)") {
                server.logCount(of: "the task store is open") == 2
            }
            let earlier = server.logCount(of: "the task store cannot be opened yet")
            let id = try #require(try server.add("/single?label=a").first)
            // A result that was not recorded by its process's end would make the task run again.
            try waitUntil("it is done: \(server.log)") {
                try server.ask(RawRequest("GET", "/our/tasks/\(id)")).http.json(Status.self).state == "done"
            }
            try SQLiteFile("tasks.sqlite", in: folder).whileLocked {
                for child in server.children { kill(child, SIGKILL) }
                try waitUntil("both are replaced: \(server.log)") {
                    server.logCount(of: "a process is ready") == 4
                }
                #expect(
                    server.logCount(of: "the task store cannot be opened yet", "answered 503") == earlier + 2)
                for target in ["/single?label=b", "/single?label=b&key=k"] {
                    let reply = try server.ask(RawRequest("POST", target))
                    #expect(reply.status == 503)
                    #expect(reply.http.field("retry-after") == "5")
                }
                try server.expectAnswers()
            }
            try waitUntil("it is open in both: \(server.log)") {
                server.logCount(of: "the task store is open") == 4
            }
            _ = try server.add("/single?label=c")
            #expect(try folder.events(reaches: 2) == ["a 1", "c 1"])
        }
    }

    @Test("A process that finds its task store moved away serves without it, and opens it when it is back")
    func movedTaskStore() throws {
        let folder = try TestFolder()
        try Self.run(in: folder) { server in
            try waitUntil("it is open in both: \(server.log)") {
                server.logCount(of: "the task store is open") == 2
            }
            let victim = try #require(server.children.first)
            let (place, away) = (folder.file("tasks.sqlite"), folder.file("away.sqlite"))
            try FileManager.default.moveItem(atPath: place, toPath: away)
            kill(victim, SIGKILL)
            try waitUntil("it is replaced: \(server.log)") { server.logCount(of: "a process is ready") == 3 }
            #expect(server.logCount(of: "the task store cannot be opened yet", "answered 503") == 1)
            for _ in 1...8 {
                #expect(try server.ask(RawRequest("POST", "/single?label=b")).status == 503)
            }
            try server.expectAnswers()
            try FileManager.default.moveItem(atPath: away, toPath: place)
            try waitUntil("it is open in the new process: \(server.log)") {
                server.logCount(of: "the task store is open") == 3
            }
            _ = try server.add("/single?label=c")
            #expect(try folder.events(reaches: 1) == ["c 1"])
        }
    }

    @Test(
        "Processes of an example that start together and create its database all succeed",
        arguments: ["orders", "settings", "analytics"])
    func examplesStartTogether(name: String) throws {
        for _ in 1...2 {
            let folder = try TestFolder()
            try FileManager.default.createDirectory(
                atPath: folder.file("state"), withIntermediateDirectories: true)
            let example = Example(name: name, settings: "processes: { count: 6 }")
            try Server.run(
                try example.manifest, in: folder, executable: example.executable,
                environment: ["STATE_DIRECTORY": folder.file("state"), "MAIL_FOLDER": folder.file("mail")],
                isSupervised: true, ending: .any, awaitingAnswer: false
            ) { server in
                try waitUntil("all are ready: \(server.log)") {
                    server.logCount(of: "a process is ready") == 6
                }
                #expect(server.logCount(of: "a process has died") == 0)
            }
        }
    }

    @Test("Processes that start together and create the task store all succeed")
    func startTogether() throws {
        try DurableServer.run(
            "workers: { min: 1, max: 2 }\nprocesses: { count: 8 }", isSupervised: true
        ) { server in
            try waitUntil("all are ready: \(server.log)") { server.logCount(of: "a process is ready") == 8 }
            #expect(server.logCount(of: "a process has died") == 0)
            #expect(server.logCount(of: "cannot be opened") == 0)
        }
    }
}
