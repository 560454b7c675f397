import Foundation
import Testing

@Suite("The status command", .timeLimit(.minutes(10)))
struct StatusCommandTests {
    private static func status(_ arguments: String..., in folder: TestFolder) throws -> Command {
        try Command(BuildProducts.testbed, ["status"] + arguments, in: folder)
    }

    @Test("It prints a table, JSON, or pong, while every worker is busy")
    func prints() throws {
        try StatusTests.run { server, status in
            let peers = try (1...2).map { number in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go&name=\(number)"))
                return peer
            }
            _ = try server.folder.events(reaches: 2)
            let ping = try Self.status("--socket", "\(status)", "--ping", in: server.folder)
            #expect(ping.exit == .status(0) && ping.output == "pong\n", "\(ping.errors)")
            let table = try Self.status("--socket", "\(status)", in: server.folder)
            #expect(table.exit == .status(0), "\(table.errors)")
            #expect(table.output.hasPrefix("no problems\n"), "\(table.output)")
            #expect(table.output.contains("2 of 2 workers busy"), "\(table.output)")
            #expect(table.output.contains("handling") && table.output.contains("GET /slow?gate=go&name=1"))
            let json = try Self.status("--socket", "\(status)", "--json", in: server.folder)
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(object?["active workers"] as? Int == 2)
            try server.folder.open(gate: "go")
            for peer in peers { #expect(try peer.reply().text == "slow") }
        }
    }

    @Test("--watch shows it again each second, also after the server has ended")
    func watch() throws {
        let folder = try TestFolder()
        var watcher: ChildProcess?
        try StatusTests.run { _, status in
            let started = try ChildProcess(
                BuildProducts.testbed, ["status", "--socket", "\(status)", "--watch"],
                output: folder.file("watch.out"), errors: folder.file("watch.err"))
            watcher = started
            try waitUntil("it has shown the table twice") {
                folder.text("watch.out").components(separatedBy: "workers busy").count > 2
            }
        }
        try waitUntil("it says that nobody is there") {
            folder.text("watch.out").contains("there is no such socket")
                || folder.text("watch.out").contains("nobody listens")
        }
        watcher?.send(signal: SIGINT)
        #expect(try watcher?.waitForExit() == .signal(SIGINT))
    }

    @Test("--watch fits the terminal: the summary does not scroll away")
    func window() throws {
        try StatusTests.run { server, status in
            // script(1) gives it a terminal of 12 lines of 40 columns.
            let watcher = try ChildProcess(
                "/usr/bin/script",
                [
                    "-qfc",
                    "stty rows 12 cols 40; exec '\(BuildProducts.testbed)' status --socket '\(status)' --watch",
                    server.folder.file("typescript"),
                ], output: server.folder.file("watch.out"), errors: server.folder.file("watch.err"))
            try waitUntil("it has shown two pages") {
                server.folder.text("typescript").components(separatedBy: "\u{1b}[2J").count > 3
            }
            watcher.send(signal: SIGTERM)
            _ = try watcher.waitForExit()
            let pages = server.folder.text("typescript").components(separatedBy: "\u{1b}[2J").dropFirst()
            let lines = try #require(pages.dropFirst().first).split(
                omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            #expect(lines.first == "no problems", "\(lines)")
            #expect(lines.contains { $0.contains("workers busy") }, "\(lines)")
            #expect(lines.count <= 12 && lines.allSatisfy { $0.count <= 40 }, "\(lines)")
            #expect(lines.contains { $0.hasSuffix("more lines") }, "\(lines)")
        }
    }

    @Test("It says what to do if there is no socket, none in the manifest, or another program behind it")
    func errors() throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest().text)
        let missing = try Self.status("--socket", folder.file("none.socket"), "--ping", in: folder)
        #expect(missing.exit == .status(1) && missing.output.isEmpty)
        #expect(missing.errors.contains("none.socket") && missing.errors.contains("is the server running"))
        let unset = try Self.status(in: folder)
        #expect(unset.exit == .status(1))
        #expect(unset.errors.contains("status: {") && unset.errors.contains("--socket"), "\(unset.errors)")
        let both = try Self.status("--ping", "--json", in: folder)
        #expect(both.exit != .status(0) && both.errors.contains("one of"))
        try Server.run(TestManifest()) { server in
            let other = try Self.status("--socket", "\(server.endpoint)", "--ping", in: folder)
            #expect(other.exit == .status(1) && other.errors.contains("404"), "\(other.errors)")
        }
    }
}
