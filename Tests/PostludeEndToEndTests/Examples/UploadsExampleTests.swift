import Foundation
import Testing

@Suite("The uploads example")
struct UploadsExampleTests {
    private struct Upload: Decodable {
        var id: String
        var title: String
        var filename: String
        var size: Int
        var status: String
        var sha256: String?
        var thumbnail: String?
        var error: String?
    }

    private static func run(_ body: (Server, NginxServer, TestFolder) throws -> Void) throws {
        let folder = try TestFolder()
        let example = Example(name: "uploads", environment: ["STATE_DIRECTORY": folder.path])
        try example.run(in: folder) { server, nginx in try body(server, nginx, folder) }
    }

    private static func send(
        _ bytes: [UInt8], named filename: String, title: String = "A title", to nginx: NginxServer
    ) throws -> HTTPReply {
        let head = """
            --edge\r\nContent-Disposition: form-data; name="title"\r\n\r\n\(title)\r
            --edge\r\nContent-Disposition: form-data; name="file"; filename="\(filename)"\r\n\r\n
            """
        return try nginx.client().ask(
            "POST", "/upload", fields: ["Content-Type: multipart/form-data; boundary=edge"],
            body: Array(head.utf8) + bytes + Array("\r\n--edge--\r\n".utf8))
    }

    private static func look(_ path: String, at nginx: NginxServer) throws -> Upload {
        let reply = try nginx.client().ask("GET", path)
        try #require(reply.status == 200)
        return try JSONDecoder().decode(Upload.self, from: Data(reply.text.utf8))
    }

    /// Uploads, and waits until the tasks have ended.
    private static func upload(
        _ bytes: [UInt8], named filename: String, to nginx: NginxServer
    ) throws -> Upload {
        let reply = try send(bytes, named: filename, to: nginx)
        try #require(reply.status == 202, "\(reply.text)")
        let path = try #require(reply.field("Location"))
        return try eventually("the tasks of \(path) end") {
            let upload = try look(path, at: nginx)
            return upload.status == "pending" ? nil : upload
        }
    }

    @Test("An upload is accepted at once; its checksum and thumbnail follow")
    func png() throws {
        try Self.run { server, nginx, folder in
            let bytes = try UploadsSamples.png
            let reply = try Self.send(bytes, named: "../a b.png", to: nginx)
            #expect(reply.status == 202)
            let accepted = try JSONDecoder().decode(Upload.self, from: Data(reply.text.utf8))
            #expect(accepted.status == "pending" && accepted.sha256 == nil)
            let path = "/uploads/" + accepted.id.lowercased()
            #expect(reply.field("Location") == path)
            let upload = try eventually("the tasks end") {
                let upload = try Self.look(path, at: nginx)
                return upload.status == "pending" ? nil : upload
            }
            let tasks = try #require(reply.field("Task-Id")).replacing(" ", with: "")
            let events = try nginx.client().ask("GET", "/tasks/\(tasks)/events")
            #expect(events.field("Content-Type") == "text/event-stream")
            #expect(events.text.contains(#""result":"\#(upload.sha256 ?? "")""#), "\(events.text)")
            #expect(events.text.contains(#""result":{"thumbnail":"\#(path)/thumbnail"}"#), "\(events.text)")
            #expect(upload.status == "done" && upload.error == nil)
            #expect(upload.title == "A title" && upload.filename == "a b.png" && upload.size == bytes.count)
            let source = folder.file("source")
            try Data(bytes).write(to: URL(fileURLWithPath: source))
            let digest = try Command("sha256sum", [source], in: folder).output.prefix(64)
            #expect(upload.sha256 == String(digest))
            let thumbnail = try nginx.client().ask("GET", try #require(upload.thumbnail))
            #expect(thumbnail.status == 200 && thumbnail.field("Content-Type") == "image/png")
            #expect(UploadsSamples.size(of: thumbnail.body) == [320, 80])
            let kept = try FileManager.default.contentsOfDirectory(atPath: folder.file("files"))
            #expect(kept.count == 3 && Set(kept.map { $0.suffix(4) }) == [".png", "json", "file"], "\(kept)")
        }
    }

    @Test("A small JPEG keeps its size")
    func jpeg() throws {
        try Self.run { _, nginx, _ in
            let upload = try Self.upload(UploadsSamples.jpeg, named: "a.jpg", to: nginx)
            #expect(upload.status == "done")
            let thumbnail = try nginx.client().ask("GET", try #require(upload.thumbnail))
            #expect(UploadsSamples.size(of: thumbnail.body) == [48, 96])
        }
    }

    @Test(
        "The client is told that a file is damaged or not an image; it is no dead letter"
    )
    func noImage() throws {
        try Self.run { server, nginx, _ in
            let text = try Self.upload(Array("hello".utf8), named: "a.png", to: nginx)
            #expect(text.status == "failed" && text.thumbnail == nil)
            #expect(text.error == "No thumbnail: the file is neither a PNG nor a JPEG image")
            #expect(text.sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
            #expect(try nginx.client().ask("GET", "/uploads/\(text.id)/thumbnail").status == 404)
            let damaged = [
                Array(try UploadsSamples.png.prefix(200)), Array(try UploadsSamples.png.prefix(20)),
                Array(try UploadsSamples.jpeg.prefix(30)), [0xff, 0xd8, 0xff, 0xd9, 0, 0, 0, 0, 0, 0, 0],
                [0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xc0, 0, 0, 0, 0, 0],
                UploadsSamples.bomb(width: 0, height: 9),
            ]
            for bytes in damaged {
                let upload = try Self.upload(bytes, named: "b.png", to: nginx)
                #expect(upload.error == "No thumbnail: the image is damaged", "\(bytes)")
            }
            #expect(!server.log.contains("gd-") && !server.log.contains("task failed"))
        }
    }

    @Test("An image that would exhaust the memory is refused before it is decoded")
    func bomb() throws {
        try Self.run { server, nginx, _ in
            for (width, height) in [(60_000, 60_000), (0x7fff_ffff, 0x7fff_ffff), (25_000_001, 1)] {
                let upload = try Self.upload(
                    UploadsSamples.bomb(width: width, height: height), named: "bomb.png", to: nginx)
                #expect(upload.status == "failed")
                #expect(upload.error?.contains("\(width) × \(height) pixels") == true, "\(upload)")
            }
            #expect(try #require(server.kibibytes("VmHWM")) < 100 << 10)
        }
    }

    @Test("A form without a title or a file gets an error that names the missing part")
    func refused() throws {
        try Self.run { _, nginx, _ in
            let reply = try Self.send([], named: "", title: "", to: nginx)
            #expect(reply.status == 422)
            #expect(reply.text.contains(#"["body","title"]"#) && reply.text.contains(#"["body","file"]"#))
            let client = try nginx.client()
            #expect(try client.ask("GET", "/uploads/\(UUID().uuidString)").status == 404)
            #expect(try client.ask("GET", "/uploads/1").status == 404)
        }
    }
}
