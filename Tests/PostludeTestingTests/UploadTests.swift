import Postlude
import PostludeTesting
import Testing

@Suite("Uploads without sockets")
struct UploadTests {
    private let app: TestApplication<Bookshop>

    init() async throws { app = try await TestApplication(Bookshop(), manifest: Bookshop.manifest) }

    @Test("a form's texts and files reach the handler, and the file its task")
    func form() async throws {
        let response = try await app.send(
            .post(
                "/cover",
                multipart: [
                    .text("title", "Emma – a novel"),
                    .file("image", filename: "the \"best\".png", [80, 78, 71]),
                    .file("back", filename: "", []),
                ]))
        #expect(try response.json() == ["title": "Emma – a novel", "filename": "the \"best\".png"])
        let image = try #require(response.tasks.queued.first?.arguments.first as? UploadedFile)
        #expect(image.contentType == "application/octet-stream" && image.size == 3)
        try await response.tasks.runAll()
        #expect(response.tasks.failures.isEmpty)
        #expect(app.application.diary.entries.last == "print PNG")
    }

    @Test("a file may contain the usual boundary")
    func boundary() async throws {
        let content = Array("\r\n--PostludeTesting--\r\n".utf8)
        let response = try await app.send(
            .post("/cover", multipart: [.text("title", "x"), .file("image", filename: "x", content)]))
        let image = try #require(response.tasks.queued.first?.arguments.first as? UploadedFile)
        #expect(try image.contents(limit: 100) == content)
    }

    @Test("a missing part is refused, as in production")
    func missing() async throws {
        let response = try await app.send(.post("/cover", multipart: [.text("title", "Emma")]))
        #expect(response.status == .unprocessableContent)
        #expect(response.text.contains(#"["body","image"]"#), "\(response.text)")
    }

    @Test("a file can be made without a request, and moved like an uploaded one")
    func file() throws {
        let file = try UploadedFile(contents: [1, 2, 3], filename: "a/b.bin", contentType: "x/y")
        #expect(file.size == 3 && file.filename == "a/b.bin" && file.contentType == "x/y")
        #expect(file.safeName == "b.bin")
        #expect(try file.contents(limit: 3) == [1, 2, 3])
        #expect(throws: UploadedFileError.self) { try UploadedFile(contents: [], in: "/nowhere") }
    }
}
