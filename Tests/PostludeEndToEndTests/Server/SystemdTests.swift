import Foundation
import Testing

@Suite("Under systemd", .timeLimit(.minutes(10)))
struct SystemdTests {
    @Test("The service manager is notified when the application serves, and when it stops")
    func notifications() throws {
        let folder = try TestFolder()
        let manager = try DatagramSocket(folder.file("notify"))
        try Server.run(in: folder, environment: ["NOTIFY_SOCKET": folder.file("notify")]) { server in
            let message = try manager.message(holding: "READY=1\n", "STATUS=serving ")
            #expect(message.contains(folder.file("app.socket")))
            server.process.send(signal: SIGTERM)
            _ = try manager.message(
                holding: "STOPPING=1\n", "EXTEND_TIMEOUT_USEC=35000000", "STATUS=stopping")
            #expect(try server.process.waitForExit() == .status(0))
        }
    }

    @Test("A manager's socket may have an abstract name")
    func abstractName() throws {
        let name = "@postlude-\(UUID())"
        let manager = try DatagramSocket(name)
        try Server.run(environment: ["NOTIFY_SOCKET": name]) { _ in
            _ = try manager.message(holding: "READY=1")
        }
    }

    @Test("A missing manager, or a socket of another kind, does not prevent serving")
    func noManager() throws {
        let folder = try TestFolder()
        try Server.run(in: folder, environment: ["NOTIFY_SOCKET": folder.file("nobody")]) { server in
            try server.expectAnswers()
        }
    }

    @Test("The watchdog is notified repeatedly, also while every worker is busy with tasks")
    func watchdog() throws {
        let folder = try TestFolder()
        let manager = try DatagramSocket(folder.file("notify"))
        let environment = ["NOTIFY_SOCKET": folder.file("notify"), "WATCHDOG_USEC": "400000"]
        try Server.run(
            TestManifest("workers: { min: 2, max: 2, reserved-for-requests: 0 }"), in: folder,
            environment: environment
        ) { server in
            for _ in 0..<3 { _ = try manager.message(holding: "WATCHDOG=1") }
            for _ in 0..<2 { _ = try server.ask(RawRequest("GET", "/steps?gate=go")) }
            _ = try folder.events("started", reaches: 2)
            for _ in 0..<3 { _ = try manager.message(holding: "WATCHDOG=1") }
            try folder.open(gate: "go")
        }
    }

    @Test("The watchdog is not notified if no worker takes the waiting requests")
    func stuck() throws {
        let folder = try TestFolder()
        let manager = try DatagramSocket(folder.file("notify"))
        let environment = ["NOTIFY_SOCKET": folder.file("notify"), "WATCHDOG_USEC": "400000"]
        try Server.run(
            TestManifest("workers: { min: 1, max: 1, reserved-for-requests: 0 }"), in: folder,
            environment: environment
        ) { server in
            let first = try server.peer()
            try first.send(RawRequest("GET", "/slow?gate=go&name=a"))
            _ = try folder.events(reaches: 1)
            let second = try server.peer()
            try second.send(RawRequest("GET", "/hello"))
            // Silence for longer than the manager would wait.
            try waitUntil("no ping for 800 ms") {
                let end = ContinuousClock.now + .milliseconds(800)
                while ContinuousClock.now < end {
                    if manager.receive() != nil { return false }
                    usleep(5_000)
                }
                return true
            }
            try folder.open(gate: "go")
            #expect(try second.reply().text == "hello")
            _ = try manager.message(holding: "WATCHDOG=1")
        }
    }

    @Test("A watchdog for another process is left to that process")
    func otherWatchdog() throws {
        let folder = try TestFolder()
        let manager = try DatagramSocket(folder.file("notify"))
        let environment = [
            "NOTIFY_SOCKET": folder.file("notify"), "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1",
        ]
        var messages: [String] = []
        try Server.run(in: folder, environment: environment) { server in
            try waitUntil("the server has had time") { server.folder.exists("app.socket") }
            for _ in 0..<50 { try server.expectAnswers() }
        }
        while let message = manager.receive() { messages.append(message) }
        #expect(messages.contains { $0.contains("READY=1") })
        #expect(!messages.contains { $0.contains("WATCHDOG=1") }, "\(messages)")
    }

    @Test("The socket of a socket unit is served (LISTEN_FDS)")
    func socketActivation() throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", TestManifest().text)
        let endpoint = Endpoint.unix(folder.file("app.socket"))
        let manager = try DatagramSocket(folder.file("notify"))
        let process = try ChildProcess(
            "systemd-socket-activate",
            [
                "--listen=\(folder.file("app.socket"))", "-E", "NOTIFY_SOCKET=\(folder.file("notify"))",
                BuildProducts.testbed, "serve",
            ], output: folder.file("log"), errors: folder.file("log"), directory: folder.path)
        // The first connection starts the application.
        let peer = try eventually("the socket is there") { try? FastCGIPeer(endpoint) }
        let reply = try peer.ask(RawRequest("GET", "/hello"))
        #expect(reply.text == "hello")
        _ = try manager.message(holding: "READY=1", "app.socket")
        process.send(signal: SIGTERM)
        #expect(try process.waitForExit() == .status(0), "\(folder.text("log"))")
        #expect(folder.exists("app.socket"), "the socket is systemd's")
    }

    @Test(
        "systemd finds no mistake in the units with an application's name, and no other name is left"
    )
    func units() throws {
        let folder = try TestFolder()
        let check = try SystemdUnits(in: folder).verify()
        #expect(check.exit == .status(0))
        #expect(check.errors.isEmpty, "\(check.errors)")
        for name in ["shop.service", "shop.socket"] {
            let settings = folder.text(name).split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(!settings.contains { $0.contains("postlude") || $0.contains("notifications") })
        }
        #expect(folder.text("shop.socket").contains("ListenStream=/run/shop/shop.sock\n"))
    }

    @Test("Every page that shows the deployment shows the same commands")
    func oneWay() throws {
        let article = try SystemdUnits.installation(on: "Sources/Postlude/Postlude.docc/Deploying.md")
        #expect(try SystemdUnits.installation(on: "nginx/README.md") == article)
    }

    @Test("A mistake in a unit would be found")
    func brokenUnit() throws {
        var units = try SystemdUnits(in: TestFolder())
        try units.add("# /etc/systemd/system/shop.service.d/a.conf\n[Service]\nWatchdogSecond=1\n")
        #expect(try units.verify().errors.contains("WatchdogSecond"))
    }

    @Test("systemd rates the service's exposure OK")
    func exposure() throws {
        let units = try SystemdUnits(in: TestFolder())
        let check = try units.rate(threshold: 20)
        #expect(check.exit == .status(0))
        #expect(check.output.contains("OK"), "\(check.output.suffix(200))\(check.errors)")
        #expect(try units.rate(threshold: 1).exit != .status(0))
    }
}
