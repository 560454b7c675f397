import Foundation
import Testing

@Suite("Durable tasks")
struct DurableTaskTests {
    @Test("A request's durable tasks run in order among its other tasks, and its response names them")
    func order() throws {
        try DurableServer.run { server in
            let reply = try server.ask(RawRequest("POST", "/order?label=a&count=3"))
            #expect(reply.status == 202)
            let ids = try #require(try reply.http.json([String: [String]].self)["ids"])
            #expect(Set(ids).count == 3)
            #expect(reply.http.field("task-id") == ids.joined(separator: ", "))
            #expect(try server.folder.events(reaches: 4) == ["a 1", "a 2", "a 3", "a ordinary"])
        }
    }

    @Test("After kill -9, the tasks of unfinished requests run again, in their requests' order")
    func killed() throws {
        let folder = try TestFolder()
        try DurableServer.run(in: folder, ending: .any) { server in
            _ = try server.add("/order?label=a&count=2")
            #expect(try folder.events(reaches: 3) == ["a 1", "a 2", "a ordinary"])
            _ = try server.add("/order?label=b&count=3&gate=never")
            _ = try server.add("/order?label=c&count=3&gate=never")
            let begun = try folder.events("begun", reaches: 4)
            #expect(Set(begun.suffix(2)) == ["b 1 began", "c 1 began"])
            server.process.send(signal: SIGKILL)
            #expect(try server.process.waitForExit() == .signal(SIGKILL))
        }
        try folder.open(gate: "never")
        try DurableServer.run(in: folder) { server in
            let lines = try folder.events(reaches: 9).suffix(6)
            // The ordinary tasks are lost with their process.
            #expect(lines.filter { $0.hasPrefix("b") } == ["b 1", "b 2", "b 3"])
            #expect(lines.filter { $0.hasPrefix("c") } == ["c 1", "c 2", "c 3"])
            _ = try server.logLine(holding: "task done", "route=/order", "Step")
        }
        // Everything is done: a third process finds nothing.
        try DurableServer.run(in: folder) { server in
            _ = try server.add("/single?label=last")
            #expect(try folder.events(reaches: 10).suffix(1) == ["last 1"])
        }
        #expect(folder.events().count == 10)
    }

    @Test("Exactly one live process claims each task that a dead process has left")
    func claimedOnce() throws {
        let folder = try TestFolder()
        let first = try Server(
            DurableServer.manifest(in: folder), in: folder, executable: BuildProducts.durableTestbed)
        try waitUntil("the first process answers") {
            (try? first.ask(RawRequest("GET", "/hello")))?.status == 200
        }
        for number in 1...40 { _ = try first.add("/order?label=\(number)&count=2&gate=go") }
        let others = try ["one", "two", "three"].map { name in
            try Server(
                DurableServer.manifest(in: folder), in: folder, at: .unix(folder.file(name + ".socket")),
                executable: BuildProducts.durableTestbed)
        }
        for other in others {
            try waitUntil("another one answers") {
                (try? other.ask(RawRequest("GET", "/hello")))?.status == 200
            }
        }
        try folder.open(gate: "go")
        first.process.send(signal: SIGKILL)
        _ = try first.process.waitForExit()
        // Each task runs at least once; at most those that the first process was running run twice.
        try waitUntil("all have run: \(folder.events().count)") {
            Set(folder.events().filter { !$0.hasSuffix("ordinary") }).count == 80
        }
        let repeated = Dictionary(grouping: folder.events("begun")) { $0 }.filter { $0.value.count > 2 }
        #expect(repeated.isEmpty, "\(repeated.keys)")
        for other in others {
            other.process.send(signal: SIGTERM)
            #expect(try other.process.waitForExit() == .status(0))
        }
    }

    @Test("A handler that throws adds nothing; after the response no durable task can be added")
    func notAdded() throws {
        try DurableServer.run { server in
            let reply = try server.ask(RawRequest("POST", "/throwing?label=a"))
            #expect(reply.status == 409)
            #expect(reply.http.field("task-id") == nil)
            #expect(try server.ask(RawRequest("POST", "/late?label=b")).status == 200)
            #expect(try server.folder.events(reaches: 1) == ["b LateTaskError"])
            _ = try server.add("/single?label=c")
            #expect(try server.folder.events(reaches: 2) == ["b LateTaskError", "c 1"])
        }
    }

    @Test("A failed task runs again, also in the process that finds it")
    func retries() throws {
        try DurableServer.run { server in
            _ = try server.add("/single?label=a&failures=2")
            #expect(try server.folder.events(reaches: 3) == ["a attempt 1", "a attempt 2", "a attempt 3"])
            _ = try server.add("/single?label=b&failures=3")
            #expect(
                try server.folder.events(reaches: 6).suffix(3) == [
                    "b attempt 1", "b attempt 2", "b attempt 3",
                ])
            _ = try server.logLine(holding: "error", "task failed", "Flaky", "attempts=3")
        }
    }

    @Test("A delayed task runs at its time; a second one with the same key is not added")
    func later() throws {
        try DurableServer.run { server in
            let first = try server.add("/single?label=a&after=100&key=k")
            let second = try server.add("/single?label=b&after=100&key=k")
            #expect(first == second, "the first one stands for the second")
            #expect(try server.folder.events(reaches: 1) == ["a 1"])
            _ = try server.add("/single?label=c")
            #expect(try server.folder.events(reaches: 2) == ["a 1", "c 1"])
        }
    }

    @Test(
        "At the end of the grace, durable tasks are left for the next start, and ordinary ones are named in the log"
    )
    func left() throws {
        let folder = try TestFolder()
        try DurableServer.run("shutdown-grace: 200ms", in: folder, ending: .any) { server in
            _ = try server.add("/order?label=a&count=2&gate=never")
            _ = try folder.events("begun", reaches: 1)
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(1), "an ordinary task was lost")
            _ = try server.logLine(holding: "task was left at the end", "ordinary")
            _ = try server.logLine(holding: "durable tasks are left for the next start", "count=2")
        }
        try folder.open(gate: "never")
        try DurableServer.run(in: folder) { _ in
            let lines = try folder.events(reaches: 2)
            #expect(lines == ["a 1", "a 2"])
        }
    }

    @Test("If the task store cannot be written, the response is 503, no task runs, and nothing is half done")
    func unwritable() throws {
        try DurableServer.run(taskStore: "lock-timeout: 50ms") { server in
            _ = try server.add("/order?label=a&count=2")
            #expect(try server.folder.events(reaches: 3) == ["a 1", "a 2", "a ordinary"])
            try SQLiteFile("tasks.sqlite", in: server.folder).whileLocked {
                for keep in ["", "&keep=true"] {
                    let reply = try server.ask(RawRequest("POST", "/order?label=b&count=2\(keep)"))
                    #expect(reply.status == 503)
                    #expect(reply.http.field("retry-after") == "5")
                    #expect(reply.http.field("task-id") == nil)
                }
                _ = try server.logLine(holding: "durable tasks could not be persisted", "/order", "count=2")
                try server.expectAnswers()
            }
            _ = try server.add("/order?label=c&count=2&keep=true")
            #expect(try server.folder.events(reaches: 6).suffix(3) == ["c 1", "c 2", "c ordinary"])
        }
    }

    /// A worker's queue grows while its tasks wait: here for their next attempts.
    private static func bounded(_ policy: String) -> String {
        "workers: { min: 1, max: 1 }\ntasks: { max-queued: 2, when-full: \(policy) }"
    }

    @Test("A queue over its bound: the request is answered 503 and has no tasks")
    func refused() throws {
        try DurableServer.run(Self.bounded("refuse")) { server in
            let reply = try server.ask(RawRequest("POST", "/order?label=a&count=2"))
            #expect(reply.status == 503)
            #expect(reply.http.field("retry-after") == "5")
            #expect(reply.http.field("task-id") == nil)
            _ = try server.add("/single?label=b")
            #expect(try server.folder.events(reaches: 1) == ["b 1"])
            _ = try server.logLine(holding: "a worker's task queue was full", "answered 503")
        }
    }

    @Test("A queue over its bound: its tasks run all the same, and the log says so")
    func runAllTheSame() throws {
        try DurableServer.run(Self.bounded("run")) { server in
            _ = try server.add("/order?label=a&count=2")
            #expect(try server.folder.events(reaches: 3) == ["a 1", "a 2", "a ordinary"])
            _ = try server.logLine(holding: "a worker's task queue was full", "all the same")
        }
    }

    @Test("A queue over its bound: durable tasks are left to the next free worker, in any process")
    func leftToOthers() throws {
        let folder = try TestFolder()
        try DurableServer.run(Self.bounded("leave"), in: folder) { server in
            _ = try server.add("/order?label=a&count=2&gate=a")
            // The request's ordinary task runs here, after the response.
            #expect(try folder.events(reaches: 1) == ["a ordinary"])
            _ = try server.logLine(holding: "a worker's task queue was full", "left to other workers")
            try folder.open(gate: "a")
            #expect(try folder.events(reaches: 3) == ["a ordinary", "a 1", "a 2"])
        }
    }
}
