import Foundation
import Testing

@Suite("A new manifest and a new program", .timeLimit(.minutes(10)))
struct ReloadTests {
    private static let other = SupervisorTests.manifest(
        routes: """
              - { path: /bonjour, method: GET, handler: hello }
              - { path: /echo, method: POST, handler: echo, limits: { body: 3MiB } }
            """)

    @Test("SIGHUP brings a new route table to every process; a request that has begun keeps the old one")
    func reload() throws {
        try SupervisorTests.run { server in
            let begun = try server.peer()
            try begun.send(RawRequest("GET", "/slow?gate=go"))
            _ = try server.folder.events(reaches: 1)
            let children = Set(server.children)
            try server.reload(Self.other, in: 2)
            for _ in 1...10 {
                #expect(try server.ask(RawRequest("GET", "/bonjour")).text == "hello")
                #expect(try server.ask(RawRequest("GET", "/hello")).status == 404)
            }
            try server.folder.open(gate: "go")
            #expect(try begun.reply().text == "slow")
            #expect(try server.folder.events(reaches: 2).last == "slow task ")
            #expect(try begun.ask(RawRequest("GET", "/slow")).status == 404)
            #expect(Set(server.children) == children)
            #expect(server.logCount(of: "serving with a new manifest", "generation=2") == 2)
        }
    }

    @Test("A request whose body is still arriving is answered by the table that has its route")
    func bodyOnItsWay() throws {
        try Server.run(SupervisorTests.manifest()) { server in
            let bytes = RawRequest("POST", "/echo").with { $0.body = [UInt8](repeating: 120, count: 3_000) }
                .bytes
            let peer = try server.peer()
            try peer.sendApart(Array(bytes.prefix(bytes.count - 1_000)))
            try server.reload(
                SupervisorTests.manifest(routes: "  - { path: /hello, method: GET, handler: hello }"), in: 1)
            try peer.send(Array(bytes.suffix(1_000)))
            let reply = try peer.reply()
            #expect(reply.status == 200 && reply.text.contains("3000"), "\(reply.text)")
            #expect(try server.ask(RawRequest("POST", "/echo").with { $0.body = [1] }).status == 404)
        }
    }

    @Test(
        "A manifest with mistakes is refused, the mistakes are logged, and the old one stays",
        arguments: [true, false])
    func bad(isSupervised: Bool) throws {
        try Server.run(SupervisorTests.manifest(), isSupervised: isSupervised) { server in
            try server.folder.write(
                "routes.yaml", "routes:\n  - { path: /hello, method: GET, handler: helo }\n")
            server.process.send(signal: SIGHUP)
            let line = try server.logLine(holding: "the manifest is refused")
            #expect(line.contains("routes.yaml:2:") && line.contains("helo"), "\(line)")
            for _ in 1...4 { try server.expectAnswers() }
            try server.reload(Self.other, in: isSupervised ? 2 : 1)
            #expect(try server.ask(RawRequest("GET", "/bonjour")).text == "hello")
        }
    }

    @Test("Without a supervisor SIGHUP works as well, and limits and workers change with it")
    func alone() throws {
        try Server.run(TestManifest("workers: { min: 2, max: 4 }\nlimits: { head: 2KiB }")) { server in
            let long = RawRequest("GET", "/inspect?" + String(repeating: "x", count: 3_000))
            #expect(try server.ask(long).status != 200)
            try server.reload(
                TestManifest("workers: { min: 5, max: 8 }\nlimits: { head: 100KiB }"), in: 1)
            let longer = RawRequest("GET", "/inspect?" + String(repeating: "x", count: 18_000))
            #expect(try server.ask(longer).status == 200)
            try waitUntil("five workers") { server.workers == 5 }
        }
    }

    @Test(
        "SIGHUP names the keys that apply at the next start, with and without a supervisor",
        arguments: [true, false])
    func nextStart(isSupervised: Bool) throws {
        let folder = try TestFolder()
        func manifest(_ settings: String) -> TestManifest {
            TestManifest("status: { listen: \(folder.file("status")), \(settings) }")
        }
        try Server.run(manifest("mode: '600'"), in: folder, isSupervised: isSupervised) { server in
            try server.reload(manifest("mode: '600'"), in: 1)
            #expect(server.logCount(of: "next start") == 0)
            try server.reload(manifest("mode: '660', task-actions: true"), in: 1)
            let line = try server.logLine(holding: "warning", "keys that apply at the next start")
            #expect(line.contains(#"keys="status.mode, status.task-actions""#), "\(line)")
            #expect(server.logCount(of: "next start") == 1)
        }
    }

    @Test("Processes are added and removed without a failed request")
    func count() throws {
        try SupervisorTests.run { server in
            let kept = try (1...6).map { _ in try server.peer() }
            for count in [4, 1] {
                try server.folder.write(
                    "routes.yaml", TestManifest("processes: { count: \(count) }").text)
                server.process.send(signal: SIGHUP)
                try waitUntil("\(count) processes: \(server.log)") {
                    try expectAnswers(on: kept)
                    return server.children.count == count
                }
            }
            try expectAnswers(on: kept)
        }
    }

    private func expectAnswers(on peers: [FastCGIPeer]) throws {
        for peer in peers { #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello") }
    }

    /// A server whose program is a symbolic link, as in deployments.
    private func deployed(_ body: (Server, _ release: (String) throws -> Void) throws -> Void) throws {
        let folder = try TestFolder()
        let release = { (program: String) in
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("next"), withDestinationPath: program)
            guard rename(folder.file("next"), folder.file("current")) == 0 else {
                throw SystemCallError("rename")
            }
        }
        try release(BuildProducts.testbed)
        try Server.run(
            SupervisorTests.manifest(), in: folder, executable: folder.file("current"), isSupervised: true
        ) { server in
            try waitUntil("both are ready") { server.logCount(of: "a process is ready") == 2 }
            try body(server, release)
        }
    }

    @Test("SIGUSR2 starts the file at the program's path: kept connections and tasks continue")
    func upgrade() throws {
        try deployed { server, release in
            let copy = server.folder.file("version-2")
            try server.folder.install(BuildProducts.testbed, as: "version-2")
            let kept = try (1...6).map { _ in try server.peer() }
            try expectAnswers(on: kept)
            #expect(try server.ask(RawRequest("GET", "/steps?gate=go")).status == 200)
            _ = try server.folder.events("started", reaches: 1)
            let old = Set(server.children)
            try release(copy)
            server.process.send(signal: SIGUSR2)
            try waitUntil("new processes serve: \(server.log)") {
                try expectAnswers(on: kept)
                return server.logCount(of: "a process is ready") == 4
            }
            let programs = Set(server.children).subtracting(old).map {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/exe")
            }
            #expect(programs == [copy, copy])
            let supervisor = try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(server.process.pid)/exe")
            #expect(supervisor == copy)
            try server.folder.open(gate: "go")
            try waitUntil("the old ones end: \(server.log)") { old.isDisjoint(with: server.children) }
            #expect(server.folder.events() == ["step 1"])
            try expectAnswers(on: kept)
        }
    }

    @Test("A program that refuses the manifest, or a file that is not a program, does not take over")
    func badProgram() throws {
        try deployed { server, release in
            let children = Set(server.children)
            for (count, program) in [BuildProducts.lifecycleTestbed, "/bin/false", "/nowhere"].enumerated() {
                try release(program)
                server.process.send(signal: SIGUSR2)
                try waitUntil("\(program) is refused: \(server.log)") {
                    server.logCount(of: "the new program is refused") == count + 1
                }
            }
            #expect(Set(server.children) == children)
            for _ in 1...4 { try server.expectAnswers() }
        }
    }

    @Test("The status shows which manifest each process uses")
    func generation() throws {
        try StatusTests.run("processes: { count: 2 }", isSupervised: true) { server, status in
            try waitUntil("both are ready") { server.logCount(of: "a process is ready") == 2 }
            server.process.send(signal: SIGHUP)
            try waitUntil("both serve by the second one: \(server.log)") {
                let report = try StatusTests.report(at: status)
                let processes = report["processes"] as? [[String: Any]] ?? []
                return processes.count == 2 && processes.allSatisfy { $0["generation"] as? Int == 2 }
            }
        }
    }

    @Test("A program that cannot open its log does not take over; one that cannot show its status does")
    func unreachableFiles() throws {
        try deployed { server, _ in
            let children = Set(server.children)
            let write = { (setting: String) in
                try server.folder.write(
                    "routes.yaml", TestManifest("processes: { count: 2 }\n\(setting)").text)
            }
            try write("log: { to: ./absent/log }")
            server.process.send(signal: SIGUSR2)
            try waitUntil("it is refused: \(server.log)") {
                server.logCount(of: "the new program is refused") == 1
            }
            #expect(server.logCount(of: "open(./absent/log)") == 1)
            #expect(Set(server.children) == children)
            try write("status: ./absent/socket")
            server.process.send(signal: SIGUSR2)
            try waitUntil("new processes serve: \(server.log)") {
                server.logCount(of: "a process is ready") == 4
            }
            #expect(server.logCount(of: "the status cannot be shown", "./absent/socket") == 1)
            try server.expectAnswers()
        }
    }

    @Test("Signals that arrive while the program is being replaced neither kill it nor are lost")
    func signalsDuringReplacement() throws {
        try deployed { server, _ in
            server.process.send(signal: SIGUSR2)
            let replaced = { server.logCount(of: "the program is replaced") }
            try waitUntil("it is replaced") { replaced() == 1 }
            // All the way through the new program's start.
            let supervising = server.logCount(of: "supervising")
            try waitUntil("the next one supervises: \(server.log)") {
                server.process.send(signal: SIGUSR1)
                server.process.send(signal: SIGUSR2)
                #expect(server.process.exitIfEnded() == nil)
                return replaced() > 1 && server.logCount(of: "supervising") > supervising
            }
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(0))
        }
    }
}
