import Foundation
import Testing

@Suite("Files through nginx")
struct FileTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /file, methods: [GET, POST], handler: file }
          - { path: "/stored/{name:path}", method: GET, handler: stored }
          - { path: /shrinking, method: GET, handler: shrinking }
        """

    private static let text = String((0..<300_000).map { Character(Unicode.Scalar(UInt8(97 + $0 % 23))) })

    /// The bytes of a range of `text`.
    private static func part(_ range: ClosedRange<Int>) -> String {
        String(decoding: Array(text.utf8)[range], as: UTF8.self)
    }

    private static func run(
        kept: Bool = true, settings: (TestFolder) -> String = { _ in "" },
        _ body: (Server, NginxServer) throws -> Void
    ) throws {
        let folder = try TestFolder()
        try folder.write("a.txt", text)
        let manifest = TestManifest(
            "workers: { min: 1, max: 2 }\n" + settings(folder), routes: routes)
        try Server.run(manifest, in: folder) { server in
            try NginxServer.run(to: server, kept: kept) { try body(server, $0) }
        }
    }

    @Test("A file is sent whole, or one range of it", arguments: [true, false])
    func ranges(kept: Bool) throws {
        try Self.run(kept: kept) { server, nginx in
            let client = try nginx.client()
            let whole = try client.ask("GET", "/file?path=a.txt")
            #expect(whole.status == 200 && whole.text == Self.text)
            #expect(whole.field("Content-Length") == "300000" && whole.field("Accept-Ranges") == "bytes")
            #expect(whole.field("Content-Type") == "text/plain; charset=utf-8")
            #expect(whole.field("X-Content-Type-Options") == "nosniff")
            for (range, bytes) in [
                ("0-0", 0...0), ("100000-199999", 100_000...199_999), ("299990-", 299_990...299_999),
                ("-10", 299_990...299_999), ("65535-65536", 65_535...65_536),
            ] {
                let part = try client.ask("GET", "/file?path=a.txt", fields: ["Range: bytes=\(range)"])
                #expect(part.status == 206 && part.text == Self.part(bytes))
                #expect(
                    part.field("Content-Range") == "bytes \(bytes.lowerBound)-\(bytes.upperBound)/300000")
            }
            let behind = try client.ask("GET", "/file?path=a.txt", fields: ["Range: bytes=300000-"])
            #expect(behind.status == 416 && behind.field("Content-Range") == "bytes */300000")
            let several = try client.ask("GET", "/file?path=a.txt", fields: ["Range: bytes=0-1,5-6"])
            #expect(several.status == 200 && several.body.count == 300_000)
            let head = try client.ask("HEAD", "/file?path=a.txt", fields: ["Range: bytes=0-1"])
            #expect(head.status == 200 && head.field("Content-Length") == "300000")
            _ = try server.folder.events(reaches: 9)
        }
    }

    @Test("A file that the client already has is not sent again, and a failed condition is 412")
    func conditions() throws {
        try Self.run { _, nginx in
            let client = try nginx.client()
            let first = try client.ask("GET", "/file?path=a.txt&download=b.txt")
            #expect(first.field("Content-Disposition") == "attachment; filename=\"b.txt\"")
            let tag = try #require(first.field("ETag"))
            let date = try #require(first.field("Last-Modified"))
            func status(_ fields: String...) throws -> Int {
                try client.ask("GET", "/file?path=a.txt", fields: fields).status
            }
            #expect(try status("If-None-Match: \(tag)") == 304)
            #expect(try status("If-None-Match: \"x\", W/\(tag)") == 304)
            #expect(try status("If-None-Match: \"x\"") == 200)
            #expect(try status("If-Modified-Since: \(date)") == 304)
            #expect(try status("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT") == 200)
            #expect(try status("If-Match: \"x\"") == 412)
            #expect(try status("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT") == 412)
            #expect(try status("Range: bytes=0-1", "If-Range: \(tag)") == 206)
            #expect(try status("Range: bytes=0-1", "If-Range: \"x\"") == 200)
        }
    }

    @Test("No name that a client sends reaches a file outside the folder")
    func traversal() throws {
        try Self.run { server, nginx in
            let client = try nginx.client()
            let folder = server.folder
            for name in ["stored", "stored/b"] {
                try FileManager.default.createDirectory(
                    atPath: folder.file(name), withIntermediateDirectories: true)
            }
            try folder.write("secret", "the secret")
            try folder.write("stored/a.txt", "a")
            try folder.write("stored/b/c.txt", "c")
            try folder.write("stored/.hidden", "the secret")
            for (link, target) in [("link", "../secret"), ("up", ".."), ("root", "/")] {
                try FileManager.default.createSymbolicLink(
                    atPath: folder.file("stored/" + link), withDestinationPath: target)
            }
            #expect(try client.ask("GET", "/stored/a.txt").text == "a")
            #expect(try client.ask("GET", "/stored/b/c.txt").text == "c")
            #expect(try client.ask("GET", "/stored/b/../a.txt").text == "a")
            for name in [
                "../secret", "..%2fsecret", "..%2Fsecret", "%2e%2e/secret", "%2e%2e%2fsecret",
                "b/../../secret",
                "b%2f..%2f..%2fsecret", "....//secret", "..%5csecret", "..\\secret", "%2fetc/passwd",
                "/etc/passwd", "%252e%252e%252fsecret", "a.txt%00", "..%00/secret", "link", "up/secret",
                "root/etc/passwd", ".hidden", "b/../.hidden", "b", "%c0%ae%c0%ae/secret",
                "file:///etc/passwd", "",
            ] {
                // nginx answers some of them itself, and closes.
                let fresh = try nginx.client()
                let reply = try fresh.ask("GET", "/stored/\(name)")
                #expect([400, 404].contains(reply.status), "\(name): \(reply.status)")
                #expect(!reply.text.contains("the secret") && !reply.text.contains("root:"), "\(name)")
            }
        }
    }

    @Test("If there is an internal location, nginx sends the file", arguments: [true, false])
    func internalLocation(kept: Bool) throws {
        try Self.run(
            kept: kept,
            settings: { "files: { root: \($0.file("public")), internal: /internal-files/ }\n" }
        ) { server, nginx in
            let client = try nginx.client()
            let folder = server.folder
            try FileManager.default.createDirectory(
                atPath: folder.file("public/b c"), withIntermediateDirectories: true)
            try folder.write("public/b c/100%25 grün?.css", Self.text)
            let target = "/file?path=public%2Fb%20c%2F100%2525%20gr%C3%BCn%3F.css"
            let whole = try client.ask("GET", target + "&download=x.css")
            #expect(whole.status == 200 && whole.text == Self.text)
            #expect(whole.field("Content-Type") == "text/css; charset=utf-8")
            #expect(whole.field("Content-Disposition") == "attachment; filename=\"x.css\"")
            #expect(whole.field("X-Content-Type-Options") == "nosniff")
            #expect(whole.head.fields.count { $0.name == "Accept-Ranges" } == 1)
            // nginx's own validators, which nginx compares itself.
            let tag = try #require(whole.field("ETag"))
            #expect(try client.ask("GET", target, fields: ["If-None-Match: \(tag)"]).status == 304)
            let part = try client.ask("GET", target, fields: ["Range: bytes=10-19"])
            #expect(part.status == 206 && part.text == Self.part(10...19))
            let head = try client.ask("HEAD", target)
            #expect(head.status == 200 && head.field("Content-Length") == "300000")
            #expect(try client.ask("POST", target, body: [1]).text == Self.text)
            _ = try folder.events(reaches: 5)

            let raw = try server.ask(RawRequest("GET", target))
            #expect(raw.http.body.isEmpty)
            #expect(raw.http.field("X-Accel-Redirect") == "/internal-files/b%20c/100%2525%20gr%C3%BCn%3F.css")
            #expect(raw.http.field("ETag") != tag)
            // The application itself sends a file elsewhere, and clients cannot reach the location.
            #expect(try client.ask("GET", "/file?path=a.txt").text == Self.text)
            #expect(try client.ask("GET", "/internal-files/b%20c/100%2525%20gr%C3%BCn%3F.css").status == 404)
        }
    }

    @Test("A file that becomes shorter ends early for the client, too", arguments: [true, false])
    func shrinks(kept: Bool) throws {
        try Self.run(kept: kept) { server, nginx in
            let client = try nginx.client()
            #expect(throws: (any Error).self) { try client.ask("GET", "/shrinking?path=a.txt") }
            let line = try server.logLine(holding: "a response could not be completed", "/shrinking")
            #expect(line.contains("300000") && line.contains("100000"), "\(line)")
            try server.expectAnswers()
        }
    }

    @Test("A client that disconnects in the middle of a file does no harm")
    func goesAway() throws {
        try Self.run { server, _ in
            try server.folder.write("large", String(repeating: Self.text, count: 100))
            let descriptors = "/proc/\(server.process.pid)/fd"
            for round in 1...5 {
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/file?path=large"))
                _ = try peer.record()
                peer.socket.close()
                // The task runs, and the file is closed.
                #expect(try server.folder.events(reaches: round).last == "file large")
                try server.expectAnswers()
            }
            try waitUntil("no descriptor of the file is left") {
                let open = try FileManager.default.contentsOfDirectory(atPath: descriptors)
                return !open.contains {
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)"))?
                        .hasSuffix("/large") == true
                }
            }
        }
    }
}
