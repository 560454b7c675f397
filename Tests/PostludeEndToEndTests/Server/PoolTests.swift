import Testing

@Suite("The pool of workers")
struct PoolTests {
    @Test("It grows to its maximum while tasks occupy the workers, and each task has its own thread")
    func grows() throws {
        let manifest = TestManifest("workers: { min: 1, max: 6, reserved-for-requests: 0 }")
        try Server.run(manifest) { server in
            for number in 1...6 {
                #expect(try server.ask(RawRequest("GET", "/steps?gate=go&label=r\(number)")).status == 200)
            }
            let started = try server.folder.events("started", reaches: 6)
            #expect(Set(started) == Set((1...6).map { "r\($0) start 1" }))
            try server.folder.open(gate: "go")
            _ = try server.folder.events(reaches: 6)
        }
    }

    @Test("Pages of the program that only the start has used are not in the memory of a server")
    func programPages() throws {
        try Server.run(TestManifest()) { server in
            _ = try server.ask(RawRequest("GET", "/hello"))
            // The first request may be answered before the pages are unmapped, which is before the process reports
            // that it serves.
            try waitUntil("more than 1 MiB was unmapped") {
                let peak = try #require(server.kibibytes("VmHWM"))
                let now = try #require(server.kibibytes("VmRSS"))
                return peak - now > 1024
            }
        }
    }

    @Test("It grows while handlers wait, too")
    func growsForHandlers() throws {
        try Server.run(TestManifest("workers: { min: 1, max: 6 }")) { server in
            let peers = try (1...6).map { number in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go&name=\(number)"))
                return peer
            }
            _ = try server.folder.events(reaches: 6)
            try server.folder.open(gate: "go")
            for peer in peers { #expect(try peer.reply().text == "slow") }
        }
    }

    @Test("A worker reserved for requests answers while long tasks occupy all others", arguments: [1, 2])
    func reserved(count: Int) throws {
        try Server.run(TestManifest("workers: { min: 1, max: 4, reserved-for-requests: \(count) }")) {
            server in
            for number in 1...8 {
                let reply = try server.ask(RawRequest("GET", "/steps?gate=go&label=r\(number)"))
                #expect(reply.status == 200, "request \(number), whose task cannot start yet")
                try server.expectAnswers()
            }
            #expect(server.folder.events("started").count <= 4 - count)
            try server.folder.open(gate: "go")
            let taskStore = try server.folder.events(reaches: 8)
            #expect(Set(taskStore) == Set((1...8).map { "r\($0) step 1" }))
        }
    }

    @Test("If tasks occupy every worker, the next request waits, and is answered when one is free")
    func nothingRefused() throws {
        let manifest = TestManifest("workers: { min: 2, max: 2, reserved-for-requests: 0 }")
        try Server.run(manifest) { server in
            for _ in 1...2 { _ = try server.ask(RawRequest("GET", "/steps?gate=go")) }
            _ = try server.folder.events("started", reaches: 2)
            let waiting = try (1...10).map { _ in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/hello"))
                return peer
            }
            try server.folder.open(gate: "go")
            for peer in waiting { #expect(try peer.reply().text == "hello") }
        }
    }

    @Test("It shrinks to its minimum after idling")
    func shrinks() throws {
        try Server.run(TestManifest("workers: { min: 2, max: 12, idle-time: 200ms }")) { server in
            let peers = try (1...10).map { number in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go&name=\(number)"))
                return peer
            }
            _ = try server.folder.events(reaches: 10)
            // It may have grown more than was needed: on a machine without a free core, the workers look
            // busy.
            #expect((10...12).contains(server.workers))
            try server.folder.open(gate: "go")
            for peer in peers { #expect(try peer.reply().text == "slow") }
            try waitUntil("two workers are left of \(server.workers)") { server.workers == 2 }
            try server.expectAnswers()
        }
    }
}
