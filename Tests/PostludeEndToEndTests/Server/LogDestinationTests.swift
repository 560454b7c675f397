import Foundation
import Testing

@Suite("Log destinations", .timeLimit(.minutes(10)))
struct LogDestinationTests {
    @Test(
        "The reason why a program cannot start is in its log, not only on standard error",
        arguments: [true, false])
    func startError(isSupervised: Bool) throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest("log: { to: ./own.log }").text)
        try folder.write("start-fails", "")
        let mode = isSupervised ? [] : ["--no-supervisor"]
        let command = try Command(
            BuildProducts.testbed, ["serve", "--listen", "./app.socket"] + mode, in: folder)
        #expect(command.exit == .status(1))
        #expect(command.errors.contains("the database does not answer"))
        let log = folder.text("own.log")
        #expect(
            log.contains("critical postlude: the program cannot run")
                && log.contains("the database does not answer"), "\(log)")
    }

    @Test(
        "An application's own handler gets the entries of the labels that it takes, by the manifest's level")
    func ownHandler() throws {
        let folder = try TestFolder()
        try folder.write("own-log-handler", "")
        let manifest = TestManifest("log: { level: notice, to: ./app.log, access: json }")
        try Server.run(manifest, in: folder, isSupervised: true) { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/boom").with { $0.parameters = [("REQUEST_ID", "5f2c")] })
            try waitUntil("the handler has the error: \(folder.text("own-handler.log"))") {
                folder.text("own-handler.log").contains("postlude error handler failed 5f2c\n")
            }
            try waitUntil("the access log stays the manifest's: \(folder.text("app.log"))") {
                folder.text("app.log").contains("5f2c")
            }
        }
        let own = folder.text("own-handler.log")
        #expect(!own.contains(" info ") && !own.contains("supervisor"), "\(own)")
        #expect(!folder.text("app.log").contains("handler failed"), "\(folder.text("app.log"))")
    }

    @Test("The reason why a new program is refused is in the log")
    func refusedProgram() throws {
        let folder = try TestFolder()
        try Server.run(TestManifest("log: { to: ./own.log }"), in: folder, isSupervised: true) { server in
            try folder.write(
                "routes.yaml", "log: { to: ./own.log }\nroutes: [{ path: /, method: GET, handler: helo }]\n")
            server.process.send(signal: SIGUSR2)
            try waitUntil("it is refused with the reason: \(folder.text("own.log"))") {
                folder.text("own.log").split(separator: "\n").contains {
                    $0.contains("the new program is refused") && $0.contains("routes.yaml:2:")
                        && $0.contains("helo")
                }
            }
        }
    }

    @Test("An application's output is written line by line: a crash loses none")
    func printed() throws {
        let routes = TestManifest.allRoutes + "\n  - { path: /die, method: GET, handler: print-and-die }"
        try Server.run(
            TestManifest("workers: { min: 2 }", routes: routes), isSupervised: true, ending: .any
        ) { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/die"))
            _ = try server.logLine(holding: "printed before the end")
        }
    }

    /// A copy of the testbed, with /dev/log and journald's socket in the test's folder; needs root.
    private static func daemons(in folder: TestFolder) throws -> (
        program: String, syslog: DatagramSocket, journald: DatagramSocket
    ) {
        let program = folder.file("testbed")
        try folder.writeProgram(
            "testbed",
            """
            #!/bin/bash
            set -e
            if [[ $1 != inside ]]; then exec unshare --mount "$0" inside "$@"; fi
            mkdir \(folder.path)/dev
            mount -t tmpfs dev \(folder.path)/dev
            for device in null zero urandom random full; do
                touch \(folder.path)/dev/$device
                mount --bind /dev/$device \(folder.path)/dev/$device
            done
            ln -s \(folder.path)/syslog \(folder.path)/dev/log
            mount --rbind \(folder.path)/dev /dev
            mount -t tmpfs run /run
            mkdir -p /run/systemd/journal
            ln -s \(folder.path)/journal-socket /run/systemd/journal/socket
            shift
            exec -a testbed \(BuildProducts.testbed) "$@"
            """)
        return (
            program, try DatagramSocket(folder.file("syslog")),
            try DatagramSocket(folder.file("journal-socket"))
        )
    }

    /// Whether this machine lets a test have its own mounts.
    static let hasNamespaces: Bool = {
        guard let folder = try? TestFolder(),
            let command = try? Command(
                "unshare", ["--mount", "mount", "-t", "tmpfs", "x", folder.path], in: folder)
        else { return false }
        return command.exit == .status(0)
    }()

    @Test("syslog gets the log and the access log", .enabled(if: hasNamespaces, "needs root"))
    func syslog() throws {
        let folder = try TestFolder()
        let daemons = try Self.daemons(in: folder)
        let settings = "log: { to: syslog, access: '$request_id $uri' }"
        try Server.run(TestManifest(settings), in: folder, executable: daemons.program) { server in
            let serving = try daemons.syslog.message(holding: "postlude: serving")
            #expect(
                serving.wholeMatch(of: /<30>[A-Z][a-z]{2} [ 123][0-9] [0-9:]{8} testbed\[[0-9]+\]: .*/)
                    != nil, "\(serving)")
            _ = try server.ask(
                RawRequest("GET", "/failing").with { $0.parameters = [("REQUEST_ID", "r1")] })
            let failed = try daemons.syslog.message(holding: "task failed", "request=r1", "task=spilling")
            #expect(failed.hasPrefix("<27>"))
            _ = try daemons.syslog.message(holding: "<30>", "r1 /failing")
            #expect(server.log.isEmpty, "\(server.log)")
        }
    }

    @Test("journald gets structured fields", .enabled(if: hasNamespaces, "needs root"))
    func journald() throws {
        let folder = try TestFolder()
        let daemons = try Self.daemons(in: folder)
        let settings = "log: { to: journald, access: json }"
        try Server.run(TestManifest(settings), in: folder, executable: daemons.program) { server in
            _ = try daemons.journald.message(holding: "MESSAGE=postlude: serving", "PRIORITY=6\n")
            _ = try server.ask(
                RawRequest("GET", "/failing").with { $0.parameters = [("REQUEST_ID", "r1")] })
            let failed = try daemons.journald.message(holding: "MESSAGE=postlude: task failed")
            for line in [
                "PRIORITY=3", "SYSLOG_IDENTIFIER=testbed", "POSTLUDE_REQUEST=r1", "POSTLUDE_ROUTE=/failing",
                "POSTLUDE_TASK=spilling",
            ] {
                #expect(failed.split(separator: "\n").contains(Substring(line)), "\(failed)")
            }
            #expect(failed.contains("CODE_FILE=") && failed.contains("CODE_LINE="))
            let access = try daemons.journald.message(
                holding: "POSTLUDE_LOGGER=access", "POSTLUDE_REQUEST=r1\n")
            #expect(access.hasPrefix("MESSAGE={\"time\":"))
            #expect(access.contains("\nPOSTLUDE_STATUS=200\n"))
        }
    }

    @Test("A missing syslog daemon is found before the server starts")
    func missingDaemon() throws {
        guard !FileManager.default.fileExists(atPath: "/dev/log") else { return }
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest("log: { to: syslog }").text)
        let serve = try Command(
            BuildProducts.testbed, ["serve", "--listen", folder.file("app.socket")], in: folder)
        #expect(serve.exit == .status(1))
        #expect(serve.errors.contains("/dev/log: No such file or directory (errno 2); log.to is syslog"))
    }

    @Test("A full disk loses lines, which the log counts; requests are answered")
    func fullDisk() throws {
        let settings = "log: { access: { to: /dev/full, format: $uri } }"
        try Server.run(TestManifest(settings)) { server in
            for _ in 0..<20 { try server.expectAnswers() }
            let line = try server.logLine(holding: "warning", "log lines were lost", "log=/dev/full")
            #expect(line.contains("No space left on device"))
        }
    }

    @Test(
        "After a log could not grow, it reports the lost lines, and no line is joined to a truncated one"
    )
    func fullFile() throws {
        let folder = try TestFolder()
        // The shell counts in units of 1024 bytes.
        try folder.writeProgram(
            "testbed", "#!/bin/bash\nulimit -S -f 2\nexec \(BuildProducts.testbed) \"$@\"\n")
        let settings = "log: { to: ./app.log, access: '$uri $http_filler' }"
        try Server.run(TestManifest(settings), in: folder, executable: folder.file("testbed")) { server in
            let request = RawRequest("GET", "/hello").with {
                $0.parameters = [("HTTP_FILLER", String(repeating: "x", count: 500))]
            }
            for _ in 0..<10 { #expect(try server.ask(request).text == "hello") }
            try waitUntil("the file is full") { folder.text("app.log").utf8.count == 2048 }
            try FileManager.default.moveItem(atPath: folder.file("app.log"), toPath: folder.file("app.log.1"))
            server.process.send(signal: SIGUSR1)
            try waitUntil("the losses are told") { folder.text("app.log").contains("log lines were lost") }
            #expect(folder.text("app.log").contains("File too large"))
        }
    }

    @Test("A lost standard error stops nothing")
    func lostStandardError() throws {
        let folder = try TestFolder()
        try folder.writeProgram(
            "testbed", "#!/bin/bash\nexec 2> >(head -c 1 > /dev/null)\nexec \(BuildProducts.testbed) \"$@\"\n"
        )
        try Server.run(
            TestManifest("log: { level: debug, access: json }"), in: folder,
            executable: folder.file("testbed")
        ) { server in
            for _ in 0..<200 { try server.expectAnswers() }
            _ = try server.ask(RawRequest("GET", "/failing"))
            _ = try folder.events(reaches: 2)
        }
    }

    @Test("A standard error without a reader delays no request, and works again when it is read")
    func stalledStandardError() throws {
        let folder = try TestFolder()
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        // Both ends belong to the test: the server can begin, and its lines are not read.
        let reader = open(folder.file("pipe"), O_RDWR | O_NONBLOCK)
        defer { close(reader) }
        try folder.writeProgram(
            "testbed", "#!/bin/bash\nexec 2> \(folder.file("pipe"))\nexec \(BuildProducts.testbed) \"$@\"\n")
        try Server.run(
            TestManifest("log: { access: '$request_id $http_filler' }"), in: folder,
            executable: folder.file("testbed")
        ) { server in
            let filler = String(repeating: "x", count: 4_000)
            let peer = try server.peer()
            // More than the pipe and the server's buffer hold.
            for number in 0..<600 {
                let request = RawRequest("GET", "/hello").with {
                    $0.parameters = [("REQUEST_ID", "r\(number)"), ("HTTP_FILLER", filler)]
                }
                #expect(try peer.ask(request).text == "hello")
            }
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            try waitUntil("what was kept comes, and what was lost is counted") {
                let count = read(reader, &buffer, buffer.count)
                if count > 0 { text += String(decoding: buffer.prefix(count), as: UTF8.self) }
                return text.contains("log lines were lost")
            }
            let ids = text.split(separator: "\n").compactMap {
                $0.firstMatch(of: /^r([0-9]+) x{4000}$/)?.output.1
            }
            #expect(ids.count > 250)
            #expect(ids.count == Set(ids).count)
            let lost = try #require(text.firstMatch(of: /log lines were lost count=([0-9]+)/)?.output.1)
            #expect(Int(lost).map { $0 + ids.count } == 600)
        }
    }

    @Test("Lines on a standard error that systemd reads carry their severity")
    func journalStream() throws {
        let folder = try TestFolder()
        try folder.write("server.log", "")
        var status = stat()
        stat(folder.file("server.log"), &status)
        try Server.run(in: folder, environment: ["JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino)"]) {
            server in
            _ = try server.ask(RawRequest("GET", "/failing"))
            let line = try server.logLine(holding: "task failed")
            #expect(line.hasPrefix("<3>"))
            #expect(try server.logLine(holding: "serving").hasPrefix("<6>"))
        }
    }
}
