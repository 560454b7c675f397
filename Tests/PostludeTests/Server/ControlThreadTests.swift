import PostludeSystem
import Testing

@testable import Postlude

@Suite("ControlThread", .timeLimit(.minutes(10)))
struct ControlThreadTests {
    @Test("a process that is replaced waits longer for uploads than one that stops, with time left for tasks")
    func waitForUploads() {
        #expect(
            ControlThread.unfinishedRequestTimeout(ofGrace: .seconds(40), withOthersServing: true)
                == .seconds(20))
        #expect(
            ControlThread.unfinishedRequestTimeout(ofGrace: .seconds(40), withOthersServing: false)
                == .seconds(5))
        for isReplaced in [true, false] {
            #expect(
                ControlThread.unfinishedRequestTimeout(ofGrace: .seconds(4), withOthersServing: isReplaced)
                    == .seconds(2))
        }
    }

    @Test("a process that is told to stop finishes its tasks, and exits with status 0")
    func stop() async throws {
        let calls = Record<String>()
        let fixture = try ServerFixture(
            "routes: [{ path: /a, method: GET, handler: a }]",
            [Handler("a") { (tasks: BackgroundTasks) in _ = tasks.add { calls.append("task") } }])
        let status = try await fixture.serve {
            let connection = try fixture.connect()
            try connection.send(.get("/a"))
            #expect(try connection.response().contains("Status: 204"))
        }
        #expect(status == 0 && calls.entries == ["task"])
        #expect(fixture.log.entries.map(\.message).last == "stopped")
    }

    @Test("a task that is not over at the end of the grace is named, and the status is 1")
    func grace() async throws {
        let release = try EventDescriptor()
        let fixture = try ServerFixture(
            "shutdown-grace: 10ms\nroutes: [{ path: /a, method: GET, handler: a }]",
            [
                Handler("a") { (tasks: BackgroundTasks) in
                    _ = tasks.add(named: "long") { waitForInput([release.descriptor], milliseconds: 300_000) }
                }
            ])
        let status = try await fixture.serve {
            let connection = try fixture.connect()
            try connection.send(.get("/a"))
            #expect(try connection.response().contains("Status: 204"))
        }
        release.signal()
        #expect(status == 1)
        #expect(fixture.log.entries("task was left at the end").map { $0.metadata["task"] } == ["long"])
    }
}
