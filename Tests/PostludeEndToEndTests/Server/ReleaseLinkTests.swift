import Foundation
import Testing

/// A deployment with a folder for each release, and a symbolic link to the newest one.
@Suite("Releases behind a link", .timeLimit(.minutes(10)))
struct ReleaseLinkTests {
    private let folder: TestFolder
    private let endpoint: Endpoint

    init() throws {
        folder = try TestFolder()
        endpoint = .unix(folder.file("app.socket"))
        for release in 1...2 {
            let path = "releases/\(release)"
            try FileManager.default.createDirectory(
                atPath: folder.file(path), withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: folder.file(path + "/app"), withDestinationPath: BuildProducts.testbed)
            try write(release: release, route: "/release-\(release)")
        }
        try point(to: 1)
    }

    private func write(release: Int, route: String) throws {
        try folder.write(
            "releases/\(release)/routes.yaml",
            TestManifest("workers: { min: 1 }", routes: "  - { path: \(route), method: GET, handler: hello }")
                .text)
    }

    /// In one step, like `ln -sfn`.
    private func point(to release: Int) throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("next"), withDestinationPath: "releases/\(release)")
        guard rename(folder.file("next"), folder.file("current")) == 0 else {
            throw SystemCallError("rename")
        }
    }

    private func status(of route: String) throws -> Int? {
        try? FastCGIPeer(endpoint).ask(RawRequest("GET", route).with { $0.keep = false }).status
    }

    private func run(_ arguments: [String] = [], _ body: (ChildProcess) throws -> Void) throws {
        // As a shell starts it: `cd …/current && ./app serve`.
        let process = try ChildProcess(
            "./app", ["serve", "--listen", "\(endpoint)"] + arguments,
            environment: ["PWD": folder.file("current")], output: folder.file("log"),
            errors: folder.file("log"), directory: folder.file("current"))
        try waitUntil("the first release serves: \(folder.text("log"))") {
            try status(of: "/release-1") == 200
        }
        try body(process)
        process.send(signal: SIGTERM)
        #expect(try process.waitForExit() == .status(0), "\(folder.text("log"))")
    }

    @Test("HUP reads the manifest to which the link points now", arguments: [[], ["--no-supervisor"]])
    func reload(arguments: [String]) throws {
        try run(arguments) { process in
            try point(to: 2)
            process.send(signal: SIGHUP)
            try waitUntil("the second release's manifest is served: \(folder.text("log"))") {
                try status(of: "/release-2") == 200
            }
        }
    }

    @Test("USR2 starts the program to which the link points now, in the folder to which it points")
    func upgrade() throws {
        try run { process in
            try point(to: 2)
            try FileManager.default.removeItem(atPath: folder.file("releases/1"))
            process.send(signal: SIGUSR2)
            try waitUntil("the second release serves: \(folder.text("log"))") {
                try status(of: "/release-2") == 200
            }
            let place = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process.pid)/cwd")
            #expect(place == folder.file("releases/2"))
            // The same again, from the new release.
            try write(release: 2, route: "/release-2b")
            process.send(signal: SIGHUP)
            try waitUntil("its new manifest is served: \(folder.text("log"))") {
                try status(of: "/release-2b") == 200
            }
        }
    }

    @Test("If the link is broken, both are refused, and the old release continues to serve")
    func dangling() throws {
        try run { process in
            try FileManager.default.removeItem(atPath: folder.file("current"))
            for (signal, line) in [(SIGHUP, "is refused"), (SIGUSR2, "the new program is refused")] {
                process.send(signal: signal)
                try waitUntil("a line of the refusal: \(folder.text("log"))") {
                    folder.text("log").contains(line)
                }
                #expect(try status(of: "/release-1") == 200)
            }
        }
    }
}
