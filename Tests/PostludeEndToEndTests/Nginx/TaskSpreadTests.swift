import Foundation
import Testing

/// Several processes share a socket, and some of them have no worker for a task.
@Suite("Tasks among processes", .timeLimit(.minutes(10)))
struct TaskSpreadTests {
    private static func run(
        processes count: Int, _ body: (Server, Endpoint, HTTPClient) throws -> Void
    ) throws {
        let settings = "workers: { min: 4, max: 4 }\nprocesses: { count: \(count) }"
        let problems = "{ oldest-task: 1ms, busy-time: 1ms }"
        try StatusTests.run(settings, problems: problems, isSupervised: true) { server, status in
            try waitUntil("\(count) processes have their workers") {
                let processes = try processes(at: status)
                return processes.map { ($0["workers"] as? [Any])?.count } == Array(repeating: 4, count: count)
            }
            try NginxServer.run(to: server) { nginx in
                try body(server, status, try nginx.client())
                // No connection was lost on the way.
                #expect(!nginx.folder.text("nginx.log").contains("upstream"))
            }
        }
    }

    private static func processes(at status: Endpoint) throws -> [[String: Any]] {
        try StatusTests.report(at: status)["processes"] as? [[String: Any]] ?? []
    }

    private static func atTasks(_ process: [String: Any]) -> Int {
        (process["workers"] as? [[String: Any]] ?? []).count { $0["state"] as? String == "tasks" }
    }

    @Test("A request on nginx's only kept connection moves to a process that has a worker for its task")
    func spread() throws {
        try Self.run(processes: 3) { server, status, client in
            for number in 1...9 {
                #expect(try client.ask("GET", "/steps?gate=go&label=r\(number)").status == 200)
                _ = try server.folder.events("started", reaches: number)
            }
            // Three of each process's four workers may run tasks, and do; requests are answered all the same.
            for number in 10...12 {
                #expect(try client.ask("GET", "/steps?gate=go&label=r\(number)").status == 200)
                #expect(try client.ask("GET", "/hello").text == "hello")
            }
            try waitUntil("the status shows where tasks run, and why the others wait") {
                let processes = try Self.processes(at: status)
                let reasons = processes.compactMap { $0["waiting tasks"] as? String }
                return processes.map(Self.atTasks) == [3, 3, 3]
                    && reasons.contains { $0.contains("for a worker: all 3 that may run tasks are busy") }
            }
            try waitUntil("that is a problem") {
                let problems = try StatusTests.report(at: status)["problems"] as? [[String: Any]] ?? []
                return problems.map { $0["kind"] as? String } == ["oldest-task", "task-workers"]
                    && problems.allSatisfy { $0["since"] is Int }
                    && (problems[0]["text"] as? String)?.contains("behind 3 running tasks in process ")
                        == true
                    && (problems[1]["text"] as? String)?.hasSuffix(", and 3 tasks wait") == true
            }
            #expect(server.folder.events("started").count == 9)
            try server.folder.open(gate: "go")
            let taskStore = try server.folder.events(reaches: 12)
            #expect(Set(taskStore) == Set((1...12).map { "r\($0) step 1" }))
        }
    }

    @Test("A stopped process looks free, and connections offered to it are served all the same")
    func stopped() throws {
        try Self.run(processes: 2) { server, status, client in
            for number in 1...3 {
                #expect(try client.ask("GET", "/steps?gate=go&label=r\(number)").status == 200)
                _ = try server.folder.events("started", reaches: number)
            }
            let busy = try #require(
                try Self.processes(at: status).max { Self.atTasks($0) < Self.atTasks($1) })
            #expect(Self.atTasks(busy) == 3)
            let others = server.children.filter { Int($0) != busy["pid"] as? Int }
            defer { for other in others { kill(other, SIGCONT) } }
            for other in others { try suspend(other) }
            for _ in 1...3 { #expect(try client.ask("GET", "/hello").text == "hello") }
            for other in others { kill(other, SIGCONT) }
            #expect(try client.ask("GET", "/steps?gate=go&label=r4").status == 200)
            try server.folder.open(gate: "go")
            _ = try server.folder.events(reaches: 4)
        }
    }
}
