import Foundation
import Testing

@Suite("Conditions, retries, groups and handles of tasks")
struct TaskControlTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /conditions, method: GET, handler: conditions }
          - { path: /retries, method: GET, handler: retries }
          - { path: /group, method: GET, handler: group }
          - { path: /handles, method: GET, handler: task-handles }
          - { path: /overdue, method: GET, handler: overdue }
        """

    private static func manifest(_ settings: String = "workers: { min: 2, max: 8 }") -> TestManifest {
        TestManifest(settings, routes: routes)
    }

    // MARK: Conditions

    @Test(
        "A task runs after the responses that its condition names",
        arguments: [
            (200, ["not thrown", "success", "taken", "always"]),
            (404, ["not thrown", "failure", "taken", "always"]), (0, ["failure", "always"]),
        ])
    func conditions(status: Int, expected: [String]) throws {
        try Server.run(Self.manifest()) { server in
            let reply = try server.ask(RawRequest("GET", "/conditions?status=\(status)"))
            #expect(reply.status == (status == 0 ? 500 : status))
            #expect(try server.folder.events(reaches: expected.count) == expected)
            try server.expectAnswers()
            guard status == 0 else { return }
            let line = try server.logLine(holding: "handler failed, its tasks were dropped", "count=4")
            #expect(line.contains("TaskHandlers.swift"), "the tasks' names: \(line)")
        }
    }

    @Test("If a peer disconnects before it has read the response, the tasks for that case run")
    func undelivered() throws {
        try Server.run(Self.manifest("limits: { write-time: 300ms }")) { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/conditions?status=200&gate=go&count=8388608"))
            _ = try server.folder.events("started", reaches: 1)
            peer.socket.close()
            try server.folder.open(gate: "go")
            #expect(
                try server.folder.events(reaches: 4) == ["not thrown", "success", "not taken", "always"])
            try server.expectAnswers()
        }
    }

    @Test("A client that disconnects from nginx makes its response undelivered")
    func clientGone() throws {
        try Server.run(Self.manifest()) { server in
            try NginxServer.run(to: server, buffering: false) { nginx in
                let client = try nginx.client()
                try client.send("GET", "/conditions?status=200&gate=go&count=33554432")
                _ = try server.folder.events("started", reaches: 1)
                client.socket.close()
                try server.folder.open(gate: "go")
                #expect(
                    try server.folder.events(reaches: 4) == ["not thrown", "success", "not taken", "always"])
            }
        }
    }

    // MARK: Retries

    @Test("A failed task is retried before the next one; its worker serves requests in between")
    func retry() throws {
        try Server.run(Self.manifest("workers: { min: 1, max: 1, reserved-for-requests: 0 }")) { server in
            _ = try server.ask(RawRequest("GET", "/retries?attempts=3&failures=2&delay=400"))
            // If the worker slept until the next attempt, the response would arrive after it.
            try server.expectAnswers()
            #expect(server.folder.events() == ["retry 1"])
            #expect(
                try server.folder.events(reaches: 4)
                    == ["retry 1", "retry 2", "retry 3", "behind retry"])
            #expect(server.folder.events("failures") == [])
            _ = try server.logLine(holding: "task failed, and is retried", "Spill", "2 of 3")
        }
    }

    @Test(
        "A task that fails at every attempt is reported to the application's hook once, and the next one runs"
    )
    func hook() throws {
        try Server.run(Self.manifest()) { server in
            _ = try server.ask(RawRequest("GET", "/retries?attempts=2&failures=9&delay=1"))
            #expect(try server.folder.events(reaches: 3) == ["retry 1", "retry 2", "behind retry"])
            #expect(
                try server.folder.events("failures", reaches: 1) == ["retry 2 /retries Spill(litres: 2)"])
        }
    }

    @Test("SIGTERM waits for retries within the grace")
    func retryWithinGrace() throws {
        try Server.run(Self.manifest("shutdown-grace: 20s")) { server in
            _ = try server.ask(RawRequest("GET", "/retries?attempts=2&failures=1&delay=600"))
            _ = try server.folder.events(reaches: 1)
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(0))
            #expect(server.folder.events() == ["retry 1", "retry 2", "behind retry"])
        }
    }

    @Test("A retry past the grace is named in the log, and the tasks after it run")
    func retryPastGrace() throws {
        try Server.run(Self.manifest("shutdown-grace: 5s")) { server in
            _ = try server.ask(RawRequest("GET", "/retries?attempts=2&failures=1&delay=3600000&label=hourly"))
            _ = try server.folder.events(reaches: 1)
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(0))
            #expect(server.folder.events() == ["hourly 1", "behind hourly"])
            let line = try server.logLine(
                within: .seconds(1), holding: "error", "hourly", "before its next attempt")
            #expect(line.contains("/retries"))
        }
    }

    // MARK: Groups, handles, deadlines

    @Test(
        "Two members of a group run at once, a synchronous and an async one, and the next task waits for both"
    )
    func group() throws {
        try Server.run(Self.manifest()) { server in
            _ = try server.ask(RawRequest("GET", "/group?count=4&gate=go"))
            let started = try server.folder.events("started", reaches: 2)
            #expect(Set(started) == ["start 1", "start 2"])
            #expect(server.folder.events().isEmpty)
            try server.folder.open(gate: "go")
            let taskStore = try server.folder.events(reaches: 5)
            #expect(Set(taskStore.dropLast()) == Set((1...4).map { "step \($0)" }))
            #expect(taskStore.last == "behind the group")
        }
    }

    @Test("A task can be cancelled before it starts, and a failure can end the queue")
    func handles() throws {
        try Server.run(Self.manifest()) { server in
            let reply = try server.ask(RawRequest("GET", "/handles"))
            #expect(reply.text == #"{"taken back":true}"#)
            _ = try server.logLine(
                holding: "the tasks after it were dropped", "behind the failure", "count=1")
            #expect(server.folder.events() == ["first"])
        }
    }

    @Test("A task's own deadline cancels it, although the manifest has none")
    func deadline() throws {
        try Server.run(Self.manifest()) { server in
            _ = try server.ask(RawRequest("GET", "/overdue"))
            #expect(try server.folder.events(reaches: 1) == ["after the deadline"])
            _ = try server.logLine(holding: "endless", "past its deadline and was cancelled")
        }
    }
}
