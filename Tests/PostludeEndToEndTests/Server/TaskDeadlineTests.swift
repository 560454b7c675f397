import Foundation
import Testing

@Suite("Deadlines of tasks that do not stop", .timeLimit(.minutes(10)))
struct TaskDeadlineTests {
    private static func manifest(_ tasks: String) -> TestManifest {
        TestManifest(
            """
            shutdown-grace: 1s
            limits: { request-timeout: 300ms, kill-time: 400ms }
            tasks: { \(tasks) }
            """,
            routes: """
                  - { path: /hello, method: GET, handler: hello }
                  - { path: /task, method: GET, handler: stubborn-task }
                """)
    }

    @Test("The warning about a slow task shows its stack; its time does not count as its request's")
    func warning() throws {
        try Server.run(Self.manifest("warn: 1s")) { server in
            #expect(try server.ask(RawRequest("GET", "/task?gate=go")).status == 204)
            let line = try server.logLine(holding: "task is still running")
            for part in ["task=circling", "route=/task", "request=", "stack=", "turnInCircles"] {
                #expect(line.contains(part), "\(line)")
            }
            try server.folder.open(gate: "go")
            #expect(try server.folder.events(reaches: 2) == ["true", "behind"])
            #expect(!server.log.contains("limits."))
            try server.expectAnswers()
        }
    }

    @Test("A process whose task cannot be stopped is replaced, and ends without waiting for it")
    func killTime() throws {
        try Server.run(Self.manifest("kill-time: 600ms"), ending: .any) { server in
            #expect(try server.ask(RawRequest("GET", "/task")).status == 204)
            let line = try server.logLine(holding: "critical", "past tasks.kill-time")
            #expect(line.contains("task=circling") && line.contains("turnInCircles"), "\(line)")
            #expect(try server.process.waitForExit() == .status(1))
            #expect(server.log.contains("task was left at the end"))
        }
    }
}
