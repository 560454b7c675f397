import Foundation
import Testing

@Suite("The application's lifecycle")
struct LifecycleTests {
    private static let manifest = TestManifest(
        routes: """
              - { path: /hello, method: GET, handler: hello }
              - { path: /task, method: POST, handler: task }
            """)

    private static let group = ["GROUP": "1"]

    private func serve<R>(
        _ environment: [String: String] = [:], ending: Server.Ending = .clean, _ body: (Server) throws -> R
    ) throws -> R {
        try Server.run(
            Self.manifest, executable: BuildProducts.lifecycleTestbed, environment: environment,
            ending: ending, body)
    }

    @Test(
        "services run first; a task queued at SIGTERM ends before the application, and the application before them",
        arguments: [[:], group])
    func order(environment: [String: String]) throws {
        try serve(environment) { server in
            #expect(server.folder.events().sorted() == ["service runs", "start"])
            #expect(try server.ask(RawRequest("POST", "/task")).status == 204)
            server.process.send(signal: SIGTERM)
            try waitUntil("the listener is closed") { (try? server.peer()) == nil }
            #expect(server.process.exitIfEnded() == nil)
            try server.folder.open(gate: "gate")
            #expect(try server.process.waitForExit() == .status(0))
            #expect(server.folder.events().suffix(3) == ["task", "stop", "service ends"])
        }
    }

    @Test("an application that does not start serves nothing, says why, and exits with 1")
    func startFails() throws {
        let folder = try TestFolder()
        let server = try Server(
            Self.manifest, in: folder, executable: BuildProducts.lifecycleTestbed,
            environment: ["START_FAILS": "no licence for today"])
        #expect(try server.process.waitForExit() == .status(1))
        #expect(server.log.contains("no licence for today"))
        #expect(!folder.events().contains("start"))
    }

    @Test("if a service fails, requests are finished, the application is stopped, and the status is 1")
    func serviceFails() throws {
        try serve(["SERVICE_FAILS": "end-of-database"], ending: .any) { server in
            #expect(try server.ask(RawRequest("GET", "/hello")).status == 200)
            try server.folder.open(gate: "end-of-database")
            #expect(try server.process.waitForExit() == .status(1))
            #expect(server.folder.events().contains("stop"))
            #expect(server.log.contains("the database is gone"))
        }
    }
}
