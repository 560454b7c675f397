import Foundation
import Testing

@Suite("A process that exhausts the kernel's resources", .timeLimit(.minutes(10)))
struct ExhaustionTests {
    /// Waits until the server has all that it needs to start: descriptors, and threads.
    private func awaitStart(of server: Server) throws { _ = try server.logLine(holding: "postlude: serving") }

    /// - Parameter pid: the process; by default the server's.
    private func limit(_ server: Server, _ option: String, of pid: Int32? = nil) throws {
        let command = try Command(
            "prlimit", ["--pid", "\(pid ?? server.process.pid)", option], in: server.folder)
        try #require(command.exit == .status(0), "\(command.errors)")
    }

    @Test(
        "Too many open files: the log says so at a limited rate, open connections are served, and the others later"
    )
    func descriptors() throws {
        let manifest = TestManifest("workers: { min: 2, max: 12, reserved-for-requests: 0 }")
        try Server.run(manifest) { server in
            try awaitStart(of: server)
            let folder = "/proc/\(server.process.pid)/fd"
            let open = Set(try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { Int($0) })
            // Descriptors that the process has inherited from the tests may have higher numbers.
            let free = (0...).lazy.filter { !open.contains($0) }.prefix(16)
            try limit(server, "--nofile=\((free.reduce(0, max)) + 1)")
            let peers = try (0..<40).map { number in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", number < 6 ? "/hold?gate=go" : "/hello"))
                return peer
            }
            _ = try server.logLine(holding: "Too many open files")
            let before = server.processorTime
            usleep(500_000)
            #expect(server.processorTime - before < 0.25, "it does not try again and again")
            try server.folder.open(gate: "go")
            for peer in peers {
                #expect(try peer.reply().status == 200)
                peer.socket.close()
            }
            try server.expectAnswers()
            let lines = server.log.split(separator: "\n").filter { $0.contains("Too many open files") }
            #expect(lines.count < 10, "\(lines)")
        }
    }

    @Test(
        "A process without a free descriptor for a manifest gets the manifest again later, and uses it then")
    func manifest() throws {
        try Server.run(TestManifest("processes: { count: 1 }"), isSupervised: true) { server in
            try awaitStart(of: server)
            let child = try #require(server.children.first)
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child)/fd")
            try limit(server, "--nofile=\(open.compactMap { Int($0) }.reduce(0, max) + 9)", of: child)
            let peers = try (0..<40).map { _ in try server.peer() }
            _ = try server.logLine(holding: "Too many open files")
            server.process.send(signal: SIGHUP)
            _ = try server.logLine(holding: "no descriptor was free for a manifest", "generation=2")
            for peer in peers { peer.socket.close() }
            _ = try server.logLine(holding: "serving with a new manifest", "generation=2")
        }
    }

    @Test(
        "No memory for another thread: the log says so at a limited rate, and the existing workers serve on")
    func threads() throws {
        let manifest = TestManifest("workers: { min: 2, max: 12, reserved-for-requests: 0 }")
        try Server.run(manifest) { server in
            try awaitStart(of: server)
            let pages = try String(contentsOfFile: "/proc/\(server.process.pid)/statm", encoding: .utf8)
                .split(separator: " ").first.flatMap { Int($0) }
            // Leaves less memory than a thread's stack needs.
            try limit(server, "--as=\(try #require(pages) * 4096 + (7 << 20))")
            let peers = try (0..<8).map { _ in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/hold?gate=go"))
                return peer
            }
            _ = try server.logLine(holding: "pthread_create")
            #expect(server.workers < 8)
            let before = server.processorTime
            usleep(500_000)
            #expect(server.processorTime - before < 0.25, "it does not try again and again")
            try server.folder.open(gate: "go")
            for peer in peers { #expect(try peer.reply().text == "held") }
            try server.expectAnswers()
        }
    }
}

extension Server {
    /// The processor time that the server has used, in seconds.
    fileprivate var processorTime: Double {
        let text = (try? String(contentsOfFile: "/proc/\(process.pid)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ")
        guard fields.count > 14 else { return 0 }
        let ticks = fields[13...14].compactMap { Double($0) }.reduce(0, +)
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
