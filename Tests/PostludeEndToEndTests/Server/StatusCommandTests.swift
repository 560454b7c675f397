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

    /// Runs a program on a terminal of 12 lines of 40 columns: makes it larger after two pages, and then types Ctrl-C.
    private static let terminal = """
        import fcntl, json, os, pty, signal, struct, sys, termios
        def size(rows, columns): fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        size(12, 40)
        child = os.fork()
        if child == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for number in range(3): os.dup2(slave, number)
            os.execv(sys.argv[1], sys.argv[1:])
        def pages(count):
            text = b""
            while text.count(b"\\x1b[J") < count: text += os.read(master, 65536)
            return text.decode()
        small = pages(2)
        size(100, 200)
        large = pages(1)
        while "more lines" in large: large = pages(1)
        os.write(master, b"\\x03")
        status = os.waitpid(child, 0)[1]
        os.set_blocking(master, False)
        rest = os.read(master, 65536).decode()
        print(json.dumps({"small": small, "large": large, "rest": rest,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "restored": termios.tcgetattr(slave) == before}))
        """

    @Test(
        "--watch has a screen of its own of any size, in colours, and restores the terminal",
        arguments: ["", "1"])
    func window(noColor: String) throws {
        try StatusTests.run { server, status in
            let command = try Command(
                "/usr/bin/python3",
                ["-c", Self.terminal, BuildProducts.testbed, "status", "--socket", "\(status)", "--watch"],
                in: server.folder, environment: ["NO_COLOR": noColor, "TERM": "xterm"])
            #expect(command.exit == .status(0), "\(command.errors)")
            let seen = try #require(
                try JSONSerialization.jsonObject(with: Data(command.output.utf8)) as? [String: Any])
            let small = try #require(seen["small"] as? String)
            #expect(small.hasPrefix("\u{1b}[?1049h\u{1b}[?25l"), "\(small)")
            let page = try #require(small.components(separatedBy: "\u{1b}[H").dropFirst().first)
            #expect(page.contains("\u{1b}[1m") == noColor.isEmpty)
            let lines = page.replacing(/\u{1b}\[[0-9]*[mKJ]/, with: "").split(
                omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            #expect(lines.first == "no problems", "\(lines)")
            #expect(lines.contains { $0.contains("workers busy") }, "\(lines)")
            #expect(lines.count == 12 && lines.allSatisfy { $0.count <= 40 }, "\(lines)")
            #expect(lines.last?.hasSuffix("more lines") == true, "\(lines)")
            let large = try #require(seen["large"] as? String)
            #expect(large.contains("since the start") && !large.contains("more lines"), "\(large)")
            let rest = try #require(seen["rest"] as? String)
            #expect(rest.hasSuffix("\u{1b}[?25h\u{1b}[?1049l"), "\(rest)")
            #expect(seen["signal"] as? Int32 == SIGINT && seen["restored"] as? Bool == true)
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
