import Foundation
import Testing

@Suite("The supervisor and its processes", .timeLimit(.minutes(10)))
struct SupervisorTests {
    static func manifest(_ processes: String = "", routes: String = TestManifest.allRoutes) -> TestManifest {
        TestManifest(
            "workers: { min: 2, max: 8 }\nprocesses: { count: 2\(processes) }\nshutdown-grace: 10s",
            routes: routes)
    }

    static func run(
        _ manifest: TestManifest = manifest(), ending: Server.Ending = .clean, _ body: (Server) throws -> Void
    ) throws {
        try Server.run(manifest, isSupervised: true, ending: ending) { server in
            // A process that is above its bound of memory from the start may have been replaced already.
            try waitUntil("both are ready: \(server.log)") { server.logCount(of: "a process is ready") >= 2 }
            try body(server)
        }
    }

    private func exists(_ pid: Int32) -> Bool { FileManager.default.fileExists(atPath: "/proc/\(pid)") }

    @Test("Two processes serve, under the program's name, and the supervisor has no worker")
    func processes() throws {
        try Self.run { server in
            let children = server.children
            #expect(children.count == 2)
            for child in children {
                let name = try String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)
                #expect(name == "PostludeTestbed\n")
            }
            #expect(server.workers == 0)
            try server.expectAnswers()
        }
    }

    @Test("A killed process is replaced, and nginx's clients are served all the time")
    func killed() throws {
        try Self.run { server in
            try NginxServer.run(to: server) { nginx in
                let client = try nginx.client()
                #expect(try client.ask("GET", "/hello").status == 200)
                let victim = try #require(server.children.first)
                kill(victim, SIGKILL)
                try waitUntil("it is replaced: \(server.log)") {
                    server.logCount(of: "a process is ready") == 3
                }
                #expect(server.children.count == 2 && !server.children.contains(victim))
                #expect(server.logCount(of: "a process has died", "pid=\(victim)", "signal 9") == 1)
                // A connection that ended with the process may fail the first one, and no other.
                _ = try nginx.client().ask("GET", "/hello")
                for _ in 1...20 { #expect(try nginx.client().ask("GET", "/hello").status == 200) }
            }
        }
    }

    @Test("A process that an operator ends drains, and is replaced")
    func terminated() throws {
        try Self.run { server in
            let kept = try server.peer()
            #expect(try kept.ask(RawRequest("GET", "/hello")).text == "hello")
            for child in server.children { kill(child, SIGTERM) }
            try waitUntil("both are replaced: \(server.log)") {
                server.logCount(of: "a process is ready") == 4
            }
            // It has moved from one process to another.
            #expect(try kept.ask(RawRequest("GET", "/hello")).text == "hello")
            #expect(server.logCount(of: "a process has died") == 0)
        }
    }

    @Test("SIGTERM lets every process finish its requests and tasks")
    func graceful() throws {
        try Self.run { server in
            for _ in 1...6 { #expect(try server.ask(RawRequest("GET", "/steps?gate=go")).status == 200) }
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/slow?gate=go"))
            _ = try server.folder.events("started", reaches: 6)
            _ = try server.folder.events(reaches: 1)
            let children = server.children
            server.process.send(signal: SIGTERM)
            try waitUntil("nobody listens") { (try? server.peer()) == nil }
            #expect(server.process.exitIfEnded() == nil)
            try server.folder.open(gate: "go")
            #expect(try peer.reply().text == "slow")
            #expect(try server.process.waitForExit() == .status(0))
            #expect(server.folder.events().count { $0 == "step 1" } == 6)
            #expect(!children.contains(where: exists))
        }
    }

    @Test("A second SIGTERM ends all of them at once, and the log names the tasks that are left")
    func secondSignal() throws {
        try Self.run(ending: .any) { server in
            _ = try server.ask(RawRequest("GET", "/steps-closures?gate=never"))
            _ = try server.folder.events("started", reaches: 1)
            let children = server.children
            server.process.send(signal: SIGTERM)
            try waitUntil("nobody listens") { (try? server.peer()) == nil }
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit(within: .seconds(8)) == .status(1))
            _ = try server.logLine(within: .seconds(1), holding: "step-1", "/steps-closures")
            #expect(!children.contains(where: exists))
        }
    }

    @Test("If the supervisor is killed, its processes finish their work and end")
    func orphans() throws {
        try Self.run(ending: .any) { server in
            #expect(try server.ask(RawRequest("GET", "/steps?gate=go")).status == 200)
            _ = try server.folder.events("started", reaches: 1)
            let children = server.children
            server.process.send(signal: SIGKILL)
            #expect(try server.process.waitForExit() == .signal(SIGKILL))
            try waitUntil("they stop listening") { (try? server.peer()) == nil }
            try server.folder.open(gate: "go")
            // Their new parent may not reap them. The last thing that they do is to write this line.
            try waitUntil("they end: \(server.log)") { server.logCount(of: "postlude: stopped") == 2 }
            #expect(server.folder.events() == ["step 1"])
            #expect(children.count == 2)
        }
    }

    @Test("Processes that die repeatedly are restarted, and requests are answered in between")
    func diesOverAndOver() throws {
        try Self.run { server in
            for count in 1...11 {
                try waitUntil("there is one to kill") { !server.children.isEmpty }
                kill(try #require(server.children.first), SIGKILL)
                try waitUntil("death \(count) is noticed") {
                    server.logCount(of: "a process has died") == count
                }
            }
            try server.expectAnswers()
            #expect(server.logCount(of: "critical") == 0)
        }
    }

    @Test("An application that cannot start ends the supervisor with status 1 and the reason")
    func startFails() throws {
        let folder = try TestFolder()
        let manifest = TestManifest(
            "processes: { count: 2 }", routes: "  - { path: /hello, method: GET, handler: hello }")
        let server = try Server(
            manifest, in: folder, executable: BuildProducts.lifecycleTestbed,
            environment: ["START_FAILS": "no licence for today"], isSupervised: true)
        #expect(try server.process.waitForExit() == .status(1))
        #expect(server.logCount(of: "no licence for today") >= 2)
        #expect(server.logCount(of: "critical", "no process could start") == 1)
    }

    private func expectAnswers(to clients: [HTTPClient]) throws {
        for client in clients {
            let body = [UInt8](repeating: 120, count: 3_000)
            #expect(try client.ask("POST", "/echo", body: body).status == 200)
            #expect(try client.ask("GET", "/hello").status == 200)
        }
    }

    @Test(
        "A process is replaced after a number of requests, or above an amount of memory, and no request fails",
        arguments: ["max-requests: 40", "max-memory: 1MiB"])
    func recycling(bound: String) throws {
        try Self.run(Self.manifest(", \(bound)")) { server in
            try NginxServer.run(to: server) { nginx in
                let clients = try (1...4).map { _ in try nginx.client() }
                let first = Set(server.children)
                try waitUntil("both are replaced: \(server.log)") {
                    try expectAnswers(to: clients)
                    return first.isDisjoint(with: server.children) && server.children.count >= 2
                }
                #expect(server.logCount(of: "a process is replaced", "reason=") >= 2)
                #expect(server.logCount(of: "a process has died") == 0)
            }
        }
    }

    @Test("A process whose log's folder was removed serves all the same, and has its log again after SIGUSR1")
    func absentLog() throws {
        let folder = try TestFolder()
        let logs = folder.file("logs")
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: false)
        let manifest = TestManifest("processes: { count: 1 }\nlog: { to: ./logs/app.log, access: '$uri' }")
        try Server.run(manifest, in: folder, isSupervised: true) { server in
            try waitUntil("it is ready") { folder.text("logs/app.log").contains("a process is ready") }
            try FileManager.default.removeItem(atPath: logs)
            kill(try #require(server.children.first), SIGKILL)
            _ = try server.logLine(holding: "a log cannot be opened", "./logs/app.log")
            try server.expectAnswers()
            try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: false)
            server.process.send(signal: SIGUSR1)
            try waitUntil("requests are logged again: \(server.log)") {
                try server.expectAnswers()
                return folder.text("logs/app.log").contains("\n/hello\n")
            }
        }
    }

    @Test(
        "Closed standard descriptors are opened on /dev/null: no other file receives their output"
    )
    func closedDescriptors() throws {
        let folder = try TestFolder()
        try folder.writeProgram(
            "testbed", "#!/bin/sh\nexec \(BuildProducts.testbed) \"$@\" 0<&- 1>&- 2>&-\n")
        let endpoint = Endpoint.unix(folder.file("app.socket"))
        try Server.run(
            Self.manifest(), in: folder, at: endpoint, start: .listening("\(endpoint)"),
            executable: folder.file("testbed"), isSupervised: true
        ) { server in
            try waitUntil("both run") { server.children.count == 2 }
            for (pid, numbers) in [(server.process.pid, 0...2)] + server.children.map({ ($0, 1...2) }) {
                for number in numbers {
                    let file = try FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/\(pid)/fd/\(number)")
                    #expect(file == "/dev/null", "\(number) of \(pid)")
                }
            }
        }
    }
}
