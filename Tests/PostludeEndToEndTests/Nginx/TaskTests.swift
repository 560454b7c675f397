import Foundation
import Testing

@Suite("Background tasks")
struct TaskTests {
    @Test(
        "Tasks run one after another in the order in which they were added",
        arguments: ["steps", "steps-async", "steps-closures"])
    func order(kind: String) throws {
        try Server.run { server in
            _ = try server.ask(RawRequest("GET", "/\(kind)?count=50&gate=go"))
            try waitUntil("the first task starts") { server.folder.events("started") == ["start 1"] }
            try server.folder.open(gate: "go")
            #expect(try server.folder.events(reaches: 50) == (1...50).map { "step \($0)" })
            #expect(server.folder.events("started") == (1...50).map { "start \($0)" })
        }
    }

    @Test(
        "Handler, tasks and what follows an await share one thread", arguments: ["threads", "threads-async"])
    func sameThread(route: String) throws {
        let lines = route == "threads" ? 9 : 13
        try Server.run(TestManifest("workers: { min: 4, max: 8 }")) { server in
            for round in 1...5 {
                _ = try server.ask(RawRequest("GET", "/\(route)"))
                let taskStore = try server.folder.events(reaches: lines * round).suffix(lines)
                let threads = Set(taskStore.map { $0.split(separator: " ").last })
                #expect(threads.count == 1, "\(taskStore)")
            }
        }
    }

    @Test("A failed task is logged with its name, request, route and error, and the next one runs")
    func failing() throws {
        try Server.run { server in
            let reply = try server.ask(RawRequest("GET", "/failing"))
            #expect(reply.status == 200)
            let answer = try JSONDecoder().decode([String: String].self, from: Data(reply.http.body))
            #expect(try server.folder.events(reaches: 2) == ["first", "last"])
            let id = try #require(answer["id"])
            let line = try server.logLine(holding: "spilling", "Spill", "42")
            #expect(line.contains(id), "the request's id \(id): \(line)")
            #expect(line.contains("/failing"), "the route: \(line)")
            #expect(line.contains("duration"), "the duration: \(line)")
            _ = try server.logLine(holding: "spilling-later", "Spill", "43", id)
            try server.expectAnswers()
        }
    }

    @Test("A task without a name is named after the place where it was added")
    func place() throws {
        try Server.run(TestManifest("tasks: { warn: 1ms }")) { server in
            _ = try server.ask(RawRequest("GET", "/steps?gate=go"))
            _ = try server.folder.events("started", reaches: 1)
            try server.folder.open(gate: "go")
            _ = try server.logLine(holding: "TaskHandlers.swift:", "/steps")
        }
    }

    @Test("A task past its warning time is logged with its name and duration")
    func warning() throws {
        try Server.run(TestManifest("tasks: { warn: 50ms }")) { server in
            _ = try server.ask(RawRequest("GET", "/steps-closures?gate=go"))
            _ = try server.logLine(holding: "step-1", "/steps-closures", "warning")
            #expect(server.folder.events().isEmpty, "the warning comes while the task still runs")
            try server.folder.open(gate: "go")
            _ = try server.folder.events(reaches: 1)
        }
    }

    @Test("Adding a task after the last one has ended is logged as an error")
    func late() throws {
        try Server.run(TestManifest("workers: { min: 1, max: 1 }")) { server in
            _ = try server.ask(RawRequest("GET", "/late?gate=go"))
            #expect(try server.folder.events(reaches: 1) == ["in time"])
            // The only worker serves again when it has finished the tasks.
            try server.expectAnswers()
            try server.folder.open(gate: "go")
            #expect(try server.folder.events(reaches: 2) == ["in time", "added"])
            _ = try server.logLine(holding: "error", "too-late")
            #expect(!server.folder.events().contains("too late"))
        }
    }

    @Test("Adding from a hundred child tasks at once loses none")
    func children() throws {
        try Server.run { server in
            _ = try server.ask(RawRequest("GET", "/children"))
            let taskStore = try server.folder.events(reaches: 1_000)
            #expect(Set(taskStore).count == 1_000)
            for child in 0..<100 {
                let own = taskStore.filter { $0.hasPrefix("child \(child) ") }
                #expect(own == (0..<10).map { "child \(child) \($0)" }, "a child's tasks keep their order")
            }
        }
    }

    @Test("A client that disconnects does not end the tasks", arguments: [true, false])
    func clientGoesAway(throughNginx: Bool) throws {
        try Server.run { server in
            func leaveWhileHandled(_ leave: () throws -> Void) throws {
                try leave()
                try server.folder.open(gate: "go")
                #expect(try server.folder.events(reaches: 2) == ["slow started a", "slow task a"])
                try server.expectAnswers()
            }
            if throughNginx {
                try NginxServer.run(to: server) { nginx in
                    let client = try nginx.client()
                    try client.send("GET", "/slow?gate=go&name=a")
                    _ = try server.folder.events(reaches: 1)
                    try leaveWhileHandled { client.socket.close() }
                }
            } else {
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go&name=a"))
                _ = try server.folder.events(reaches: 1)
                try leaveWhileHandled { peer.socket.close() }
            }
        }
    }
}
