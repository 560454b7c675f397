import Foundation
import Testing

@Suite("Uploads through nginx, sent by curl")
struct UploadTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /upload, method: POST, handler: upload, limits: { body: 2GiB } }
          - { path: /small, method: POST, handler: upload, limits: { body: 64KiB } }
          - { path: /refusing, method: POST, handler: upload-refusing }
          - { path: /form, method: POST, handler: upload-form }
        """

    /// A server whose uploads are in a folder on a disk, since /tmp can be in memory.
    private struct Setting {
        let server: Server
        let nginx: NginxServer
        let uploads: String
        let folder: TestFolder

        /// - Returns: the status and the response's text.
        func curl(_ path: String = "/upload", _ arguments: String...) throws -> (status: String, text: String)
        {
            let command = try Command(
                "curl",
                ["--silent", "--show-error", "--max-time", "120", "--write-out", "\n%{http_code}"]
                    + arguments + ["http://127.0.0.1:\(nginx.port)\(path)"],
                in: folder, within: .seconds(150))
            #expect(command.exit == .status(0), "\(command.errors)")
            let lines = command.output.split(separator: "\n", omittingEmptySubsequences: false)
            return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
        }

        func makeFile(_ name: String, _ bytes: [UInt8]) throws -> String {
            try Data(bytes).write(to: URL(fileURLWithPath: folder.file(name)))
            return folder.file(name)
        }

        var leftFiles: [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: uploads)) ?? ["no folder"]
        }

        /// How many of the server's descriptors are uploads.
        var openUploads: Int { UploadTests.openDescriptors(of: server, in: uploads) }
    }

    private static func run(
        buffering: Bool = false, _ body: (Setting) throws -> Void
    ) throws {
        let folder = try TestFolder()
        let uploads = "/var/tmp/postlude-uploads-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: uploads, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: uploads) }
        let manifest = TestManifest(
            "workers: { min: 2, max: 8 }\nuploads: { folder: \(uploads) }", routes: routes)
        try Server.run(manifest, in: folder) { server in
            try NginxServer.run(to: server, buffering: buffering) { nginx in
                try body(Setting(server: server, nginx: nginx, uploads: uploads, folder: folder))
            }
            try waitUntil("the uploads are closed") { openDescriptors(of: server, in: uploads) == 0 }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: uploads).isEmpty)
    }

    private static func openDescriptors(of server: Server, in folder: String) -> Int {
        let descriptors = "/proc/\(server.process.pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
        return names.count {
            // A descriptor that was closed in the meantime is not an upload.
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)"))?
                .hasPrefix(folder) == true
        }
    }

    @Test("Files of every size arrive unchanged", arguments: [false, true])
    func sizes(buffering: Bool) throws {
        try Self.run(buffering: buffering) { setting in
            for size in [0, 1, 4_095, 65_535, 65_536, 3_000_001] {
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
                let source = try setting.makeFile("source", bytes)
                let kept = setting.folder.file("kept-\(size)")
                let (status, text) = try setting.curl(
                    "/upload", "--form-string", "title=Grüße; \"x\"", "-F", "keep=\(kept)",
                    "-F", "file=@\(source);filename=\"a \\\"b\\\" é.bin\";type=image/x-test")
                #expect(status == "200", "\(text)")
                #expect(text.contains(#""size":\#(size)"#))
                #expect(text.contains(#""title":"Grüße; \"x\"""#))
                #expect(text.contains(#""filename":"a \"b\" é.bin""#))
                #expect(text.contains(#""type":"image/x-test""#))
                #expect(FileManager.default.contents(atPath: kept) == Data(bytes), "\(size) bytes")
            }
        }
    }

    @Test("A file exists until the last task of its request has ended, even if the task knows only its path")
    func lifetime() throws {
        try Self.run { setting in
            let source = try setting.makeFile("source", Array("hello".utf8))
            let (status, _) = try setting.curl(
                "/upload", "-F", "file=@\(source)", "-F", "title=t", "-F", "gate=\(setting.folder.file("go"))"
            )
            #expect(status == "200")
            #expect(setting.openUploads == 1)
            #expect(setting.leftFiles.isEmpty)
            try setting.folder.open(gate: "go")
            #expect(try setting.folder.events(reaches: 1) == ["5 bytes"])
            try waitUntil("the file is closed") { setting.openUploads == 0 }
        }
    }

    @Test("A handler that throws drops its uploads with its tasks")
    func throwing() throws {
        try Self.run { setting in
            let source = try setting.makeFile("source", Array("hello".utf8))
            #expect(try setting.curl("/refusing", "-F", "file=@\(source)", "-F", "title=t").status == "500")
        }
    }

    @Test("A 1 GiB upload leaves the server's peak memory under 64 MiB")
    func gibibyte() throws {
        try Self.run { setting in
            let source = setting.folder.file("source")
            #expect(FileManager.default.createFile(atPath: source, contents: nil))
            #expect(truncate(source, 1 << 30) == 0)
            let (status, text) = try setting.curl("/upload", "-F", "file=@\(source)", "-F", "title=big")
            #expect(status == "200")
            #expect(text.contains(#""size":1073741824"#))
            #expect(try setting.folder.events(reaches: 1) == ["1073741824 bytes"])
            let peak = try #require(setting.server.kibibytes("VmHWM"))
            #expect(peak < 64 << 10, "VmHWM is \(peak) KiB")
        }
    }

    @Test("A form's mistakes are reported, and its files are dropped")
    func refused() throws {
        try Self.run { setting in
            let source = try setting.makeFile("source", [UInt8](repeating: 65, count: 100_000))
            let missing = try setting.curl("/upload", "-F", "file=@\(source)")
            #expect(missing.status == "422")
            #expect(missing.text.contains(#""loc":["body","title"]"#))
            let text = try setting.curl("/upload", "-F", "file=x", "-F", "title=t")
            #expect(text.status == "422" && text.text.contains(#""loc":["body","file"]"#))
            #expect(try setting.curl("/small", "-F", "file=@\(source)", "-F", "title=t").status == "413")
            #expect(try setting.curl("/upload", "--data", "title=t").status == "415")
            let field = "Content-Type: multipart/form-data; boundary=edge"
            for body in [
                "nonsense", "--edge\r\n\r\n", "--edge\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
            ] {
                let malformed = try setting.curl("/form", "--data-binary", body, "-H", field)
                #expect(malformed.status == "400", "\(malformed.text)")
                #expect(malformed.text.contains("Malformed multipart"))
            }
            #expect(
                try setting.curl("/form", "-F", "b=1", "-F", "a=@\(source)").text == #"["b=1","a:100000"]"#)
        }
    }

    @Test("A client that disconnects in the middle of a file leaves nothing behind")
    func goingAway() throws {
        try Self.run { setting in
            let client = try setting.nginx.client()
            try client.send(
                "POST", "/upload",
                fields: ["Content-Type: multipart/form-data; boundary=edge", "Content-Length: 1000000"],
                body: Array(
                    "--edge\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n\(String(repeating: "x", count: 70_000))"
                        .utf8))
            try waitUntil("the upload has begun") { setting.openUploads == 1 }
            client.socket.close()
            try waitUntil("the upload is dropped") { setting.openUploads == 0 }
            #expect(setting.folder.events().isEmpty)
        }
    }

    @Test("If the disk has no room for a file, the response is 507, and the log says why")
    func noRoom() throws {
        // The kernel refuses a file over the process's limit as it does on a full disk.
        try Self.run { setting in
            let limit = try Command(
                "prlimit", ["--pid=\(setting.server.process.pid)", "--fsize=1048576"], in: setting.folder)
            #expect(limit.exit == .status(0), "\(limit.errors)")
            let source = try setting.makeFile("source", [UInt8](repeating: 65, count: 3 << 20))
            let (status, text) = try setting.curl("/upload", "-F", "file=@\(source)", "-F", "title=t")
            #expect(status == "507")
            #expect(text == #"{"detail":"Insufficient Storage"}"#)
            let line = try setting.server.logLine(holding: "an upload could not be stored", setting.uploads)
            #expect(line.contains("error") && line.contains("File too large"))
            #expect(try setting.curl("/form", "-F", "a=1").status == "200")
        }
    }

    @Test("A form with more files than the process may open gets 503, and the service continues")
    func noDescriptors() throws {
        try Self.run { setting in
            let limit = try Command(
                "prlimit", ["--pid=\(setting.server.process.pid)", "--nofile=100"], in: setting.folder)
            #expect(limit.exit == .status(0), "\(limit.errors)")
            let part = "--edge\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\nx\r\n"
            let client = try setting.nginx.client()
            for _ in 1...3 {
                let reply = try client.ask(
                    "POST", "/form", fields: ["Content-Type: multipart/form-data; boundary=edge"],
                    body: Array((String(repeating: part, count: 200) + "--edge--").utf8))
                #expect(reply.status == 503)
                #expect(try setting.curl("/form", "-F", "a=1").status == "200")
            }
            _ = try setting.server.logLine(holding: "an upload could not be stored", "Too many open files")
        }
    }
}
