import Foundation
import Testing

@Suite("SIGTERM and SIGINT")
struct ShutdownTests {
    @Test("No queued task is lost, and the exit status is 0", arguments: [SIGTERM, SIGINT])
    func queuedTasks(signal: Int32) throws {
        try Server.run(TestManifest("workers: { min: 1, max: 4 }")) { server in
            for number in 1...8 {
                let kind = number.isMultiple(of: 2) ? "steps-async" : "steps"
                let reply = try server.ask(RawRequest("GET", "/\(kind)?count=5&gate=go&label=r\(number)"))
                #expect(reply.status == 200)
                if number == 3 { break }
            }
            _ = try server.folder.events("started", reaches: 1)
            server.process.send(signal: signal)
            // Only a server that waits for its tasks still runs when the gate opens.
            try waitUntil("the listener is closed") { (try? server.peer()) == nil }
            #expect(server.process.exitIfEnded() == nil)
            try server.folder.open(gate: "go")
            #expect(try server.process.waitForExit() == .status(0))
            let taskStore = Set(server.folder.events())
            #expect(taskStore == Set((1...3).flatMap { r in (1...5).map { "r\(r) step \($0)" } }))
        }
    }

    @Test("Requests that the kernel has queued before the signal are served")
    func kernelQueue() throws {
        try Server.run { server in
            try suspend(server.process.pid)
            let peers = try (0..<30).map { number in
                let peer = try server.peer()
                try peer.send(
                    RawRequest("GET", "/tagged?tag=\(number)").with { $0.keep = number.isMultiple(of: 2) })
                return peer
            }
            server.process.send(signal: SIGTERM)
            server.process.send(signal: SIGCONT)
            for (number, peer) in peers.enumerated() { #expect(try peer.reply().text == "\(number)") }
            #expect(try server.process.waitForExit() == .status(0))
        }
    }

    @Test("A request in flight is finished, and so are its tasks")
    func inFlight() throws {
        try Server.run { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/slow?gate=go&name=a"))
            _ = try server.folder.events(reaches: 1)
            server.process.send(signal: SIGTERM)
            try waitUntil("the listener is closed") { (try? server.peer()) == nil }
            try server.folder.open(gate: "go")
            #expect(try peer.reply().text == "slow")
            #expect(try server.process.waitForExit() == .status(0))
            #expect(server.folder.events() == ["slow started a", "slow task a"])
        }
    }

    @Test("Idle and half-sent connections do not delay the shutdown")
    func idleConnections() throws {
        try Server.run { server in
            let idle = try server.peer()
            let kept = try server.peer()
            #expect(try kept.ask(RawRequest("GET", "/hello")).text == "hello")
            let half = try server.peer()
            try half.send(Array(RawRequest("GET", "/hello").bytes.prefix(20)))
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit(within: .seconds(15)) == .status(0))
            #expect(idle.isClosed() && kept.isClosed() && half.isClosed())
        }
    }

    @Test(
        "A task that exceeds the grace is named in the log, and the exit status is not 0",
        arguments: ["steps-closures", "steps-async"])
    func overGrace(kind: String) throws {
        try Server.run(TestManifest("shutdown-grace: 300ms"), ending: .any) { server in
            let count = 2
            _ = try server.ask(RawRequest("GET", "/\(kind)?count=\(count)&gate=never"))
            _ = try server.folder.events("started", reaches: 1)
            server.process.send(signal: SIGTERM)
            let exit = try server.process.waitForExit(within: .seconds(10))
            #expect(exit != .status(0))
            if case .signal(let number) = exit { Issue.record("ended by signal \(number)") }
            let name = kind == "steps-closures" ? "step-2" : "TaskHandlers.swift"
            let line = try server.logLine(within: .seconds(1), holding: name)
            #expect(line.contains("/\(kind)"), "the route: \(line)")
        }
    }

    @Test("A second signal ends the server at once; the log names the tasks that are left")
    func secondSignal() throws {
        try Server.run(ending: .any) { server in
            _ = try server.ask(RawRequest("GET", "/steps-closures?gate=never"))
            _ = try server.folder.events("started", reaches: 1)
            server.process.send(signal: SIGTERM)
            try waitUntil("the listener is closed") { (try? server.peer()) == nil }
            server.process.send(signal: SIGTERM)
            let exit = try server.process.waitForExit(within: .seconds(10))
            #expect(exit == .status(1))
            _ = try server.logLine(within: .seconds(1), holding: "step-1", "/steps-closures")
        }
    }

    @Test("During a shutdown, requests through nginx are answered or refused at connect")
    func underLoad() throws {
        try Server.run { server in
            try NginxServer.run(to: server) { nginx in
                let clients = try (0..<12).map { _ in try nginx.client() }
                for (number, client) in clients.enumerated() {
                    try client.send("GET", "/slow?gate=go&name=\(number)")
                }
                try waitUntil("every worker is busy") { server.folder.events().count >= 8 }
                server.process.send(signal: SIGTERM)
                try server.folder.open(gate: "go")
                for client in clients { #expect(try client.reply().status == 200) }
                #expect(try server.process.waitForExit() == .status(0))
                #expect(server.folder.events().filter { $0.hasPrefix("slow task") }.count == 12)
            }
        }
    }
}
