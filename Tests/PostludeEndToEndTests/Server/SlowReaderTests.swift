import Testing

@Suite("Peers that do not read their response")
struct SlowReaderTests {
    private static let manifest = TestManifest("workers: { min: 1, max: 1 }\nlimits: { write-time: 300ms }")

    @Test(
        "A peer that never reads is disconnected after write-time, its tasks run, and the next request is served"
    )
    func neverReads() throws {
        try Server.run(Self.manifest) { server in
            let peers = try (0..<3).map { _ in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/big?count=8388608"))
                return peer
            }
            #expect(try server.folder.events(reaches: 3) == ["big done", "big done", "big done"])
            try server.expectAnswers()
            for peer in peers { #expect(peer.isClosed()) }
        }
    }

    @Test("A peer that closes at once does no harm, and its tasks run", arguments: [true, false])
    func closesAtOnce(keep: Bool) throws {
        try Server.run(Self.manifest) { server in
            for round in 1...20 {
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/big?count=1048576").with { $0.keep = keep })
                peer.socket.close()
                try server.expectAnswers()
                _ = try server.folder.events(reaches: round)
            }
        }
    }

    @Test("A peer that reads slowly, but within write-time, gets the whole response")
    func readsSlowly() throws {
        try Server.run(TestManifest("workers: { min: 1, max: 1 }")) { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/big?count=8388608"))
            // The write occupies the only worker: the other request waits until the response has been read.
            let other = try server.peer()
            try other.send(RawRequest("GET", "/hello"))
            let reply = try peer.reply()
            #expect(reply.http.body.count == 8_388_608)
            #expect(try other.reply().text == "hello")
        }
    }
}
