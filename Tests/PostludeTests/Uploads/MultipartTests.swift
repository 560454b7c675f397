import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("Multipart")
struct MultipartTests {
    private enum Color: String, Decodable { case red, green }

    private struct Everything: Decodable {
        var title: String
        var count: Int
        var ratio: Double?
        var agreed: Bool
        var when: Date
        var color: Color
        var id: UUID
        var tags: [String]
        var numbers: [Int]?
        var image: UploadedFile
        var preview: UploadedFile?
        var pages: [UploadedFile]
        var drafts: [UploadedFile]?
    }

    @Test("a struct takes texts and files by name, in any order")
    func everything() throws {
        let value = try MultipartFixture.form(
            ("name=pages; filename=1", "one"), ("name=tags", "a"), ("name=image; filename=first", "1"),
            ("name=image; filename=\"i.png\"\r\nContent-Type: image/png", "PNG"), ("name=title", "first"),
            ("name=title", "A – B"), ("name=count", "-7"), ("name=agreed", "on"), ("name=unknown", "x"),
            ("name=when", "2030-01-31T12:00:00Z"), ("name=color", "green"), ("name=tags", "b"),
            ("name=id", "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"), ("name=pages; filename=2", "two"),
            ("name=preview; filename=\"\"\r\nContent-Type: application/octet-stream", ""),
            ("name=stranger; filename=x", "x")
        ).decode(Everything.self)
        #expect(value.title == "A – B")
        #expect(value.count == -7)
        #expect(value.ratio == nil)
        #expect(value.agreed)
        #expect(value.when == Date(timeIntervalSince1970: 1_896_091_200))
        #expect(value.color == .green)
        #expect(value.id == UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
        #expect(value.tags == ["a", "b"])
        #expect(value.numbers == nil)
        #expect(value.image.filename == "i.png")
        #expect(value.image.contentType == "image/png")
        #expect(value.image.size == 3)
        #expect(value.preview == nil)
        #expect(try value.pages.map { try $0.contents(limit: 10) } == [Array("one".utf8), Array("two".utf8)])
        #expect(value.drafts == nil)
    }

    private struct Photo: Decodable {
        var title: String
        var count: Int?
        var counts: [Int]?
        var image: UploadedFile?
        var images: [UploadedFile]?
    }

    private func issues(_ fixture: MultipartFixture) -> [String] {
        PostludeTests.issues { _ = try fixture.decode(Photo.self) }
    }

    @Test("mistakes in a field are reported in FastAPI's format, at body and its name")
    func refused() {
        let title = (head: "name=title", content: "t")
        #expect(issues(.form()) == ["body.title: Field required (missing)"])
        #expect(
            issues(.form(title, ("name=count", "x"))) == [
                "body.count: Input should be a valid integer, unable to parse string as an integer (int_parsing)"
            ])
        #expect(
            issues(.form(title, ("name=counts", "1"), ("name=counts", "x"))) == [
                "body.counts.[1]: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)"
            ])
        #expect(
            issues(.form(title, ("name=image", "text"))) == ["body.image: Input should be a file (file_type)"]
        )
        #expect(
            issues(.form(title, ("name=images; filename=f", "x"), ("name=images", "text"))) == [
                "body.images.[1]: Input should be a file (file_type)"
            ])
        #expect(
            issues(.form(("name=title; filename=f", "x"))) == [
                "body.title: Input should be text, not a file (string_type)"
            ])
    }

    private struct Order: InputFields {
        @Field(1...5) var title: String
        @Field(1...10) var count = 1
        @Field(1...2, name: "the-numbers") var numbers: [Int]
        @Field var image: UploadedFile
        @Field(1...2) var pages: [UploadedFile] = []
        @Field var preview: UploadedFile?
    }

    @Test("the fields of an InputFields are checked all at once")
    func checkedFields() throws {
        let order = try MultipartFixture.form(
            ("name=title", "t"), ("name=the-numbers", "7"), ("name=image; filename=i", "I"),
            ("name=pages; filename=p", "P")
        ).decode(Order.self)
        #expect(order.title == "t" && order.count == 1 && order.numbers == [7])
        #expect(order.image.filename == "i" && order.pages.count == 1 && order.preview == nil)
        let wrong = MultipartFixture.form(
            ("name=title", "too long"), ("name=count", "0"), ("name=the-numbers", "x"),
            ("name=the-numbers", "y"), ("name=pages; filename=p", "P"), ("name=pages", "text"),
            ("name=preview", "text"))
        #expect(
            PostludeTests.issues { _ = try wrong.decode(Order.self) } == [
                "body.title: String should have at most 5 characters (string_too_long)",
                "body.count: Input should be greater than or equal to 1 (greater_than_equal)",
                "body.the-numbers.[0]: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)",
                "body.the-numbers.[1]: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)",
                "body.image: Field required (missing)",
                "body.pages.[1]: Input should be a file (file_type)",
                "body.preview: Input should be a file (file_type)",
            ])
    }

    @Test("an empty text field is absent")
    func emptyTexts() throws {
        let empty = (head: "name=count", content: "")
        #expect(try MultipartFixture.form(("name=title", "t"), empty).decode(Photo.self).count == nil)
        #expect(issues(.form(("name=title", ""))) == ["body.title: Field required (missing)"])
    }

    @Test("an empty required file field is missing")
    func leftEmpty() {
        struct Needy: Decodable { var image: UploadedFile }
        let fixture = MultipartFixture.form(("name=image; filename=\"\"", ""))
        #expect(
            PostludeTests.issues { _ = try fixture.decode(Needy.self) } == [
                "body.image: Field required (missing)"
            ])
    }

    @Test("a named file without bytes is a file, and so is one with bytes and without a name")
    func smallFiles() throws {
        let form = try MultipartFixture.form(
            ("name=a; filename=empty", ""), ("name=b; filename=\"\"", "x"),
            ("name=c\r\nContent-Type: application/octet-stream", "")
        ).form()
        #expect(form.files.map(\.name) == ["a", "b", "c"])
        #expect(form.files.map(\.file.filename) == ["empty", nil, nil])
        #expect(form.files.map(\.file.size) == [0, 1, 0])
        #expect(form.file("a")?.size == 0)
        #expect(form.file("d") == nil)
    }

    @Test("a form whose names are not known has texts and files in order")
    func rawAccess() throws {
        let form = try MultipartFixture.form(
            ("name=\"b\"", "1"), ("name=f; filename=f", "x"), ("name=\"a\"", "2"), ("name=\"b\"", "3")
        ).form()
        #expect(form.texts.map(\.name) == ["b", "a", "b"])
        #expect(form.texts.map(\.value) == ["1", "2", "3"])
        #expect(form.text("b") == "3")
        #expect(form.text("f") == nil)
        #expect(form.file("f")?.filename == "f")
    }

    @Test("text that is not UTF-8 is malformed")
    func encoding() {
        var fixture = MultipartFixture()
        fixture.add("name=a", [0xff])
        fixture.close()
        #expect(fixture.refusal() == "400 Malformed multipart/form-data: a text field is not UTF-8")
    }

    @Test(
        "another content type, or none, gets 415", arguments: ["", "application/json", "multipart/form-data"])
    func contentType(type: String) {
        var fixture = MultipartFixture.form()
        fixture.contentType = type
        #expect(fixture.refusal().hasPrefix("415 "))
    }

    @Test("its handler is called when the request's head is complete")
    func bodyUse() {
        struct Upload: Decodable { var file: UploadedFile }
        #expect(Handler("upload") { (form: Multipart<Upload>) in form.file.size }.bodyUse == .stream)
        #expect(Handler("upload") { (form: MultipartForm) in form.files.count }.bodyUse == .stream)
    }

    @Test("an uploaded file in another input is the program's mistake, not the client's")
    func misplaced() throws {
        struct Upload: Decodable { var file: UploadedFile }
        for body in [#"{"file": "x"}"#, #"{"file": {}}"#] {
            let error = #expect(throws: (any Error).self) {
                try JSONBody<Upload>(request: RequestFixture.post(body).request())
            }
            #expect("\(try #require(error))".contains("Multipart<…>"))
        }
        let error = #expect(throws: (any Error).self) {
            try Query<Upload>(request: RequestFixture.get("/?file=x").request())
        }
        #expect("\(try #require(error))".contains("Multipart<…>"))
    }
}
