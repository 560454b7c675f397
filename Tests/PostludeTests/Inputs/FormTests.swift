import HTTPTypes
import Testing

@testable import Postlude

@Suite("Form")
struct FormTests {
    private struct Person: Decodable {
        var name: String
        var age: Int?
        var tags: [String]?
    }

    private func fixture(
        _ body: String, type: String? = "application/x-www-form-urlencoded"
    ) -> RequestFixture {
        RequestFixture(method: "POST", parameters: type.map { [("CONTENT_TYPE", $0)] } ?? [], body: body)
    }

    private func issues(_ body: String) -> [String] {
        PostludeTests.issues { _ = try Form<Person>(request: fixture(body).request()) }
    }

    @Test("fields are decoded as in a query, and read through the input")
    func values() throws {
        let form = try Form<Person>(
            request: fixture("name=%C3%84+b%26&age=3&tags=x&tags=y&other=1").request())
        #expect(form.name == "Ä b&")
        #expect(form.age == 3)
        #expect(form.tags == ["x", "y"])
    }

    @Test("empty fields are omitted, as in FastAPI")
    func empty() throws {
        let form = try Form<Person>(request: fixture("name=a&age=&tags=").request())
        #expect(form.age == nil)
        #expect(form.tags == nil)
        #expect(issues("name=&age=x").first == "body.name: Field required (missing)")
        #expect(issues("") == ["body.name: Field required (missing)"])
    }

    @Test("mistakes are reported under `body`")
    func wrong() {
        #expect(
            issues("name=a&age=x") == [
                "body.age: Input should be a valid integer, unable to parse string as an integer (int_parsing)"
            ])
    }

    @Test(
        "the media type may have parameters, and any case",
        arguments: ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLencoded"])
    func mediaTypes(type: String) throws {
        #expect(try Form<Person>(request: fixture("name=a", type: type).request()).name == "a")
    }

    @Test(
        "a body of another type, or without a type, is answered with 415",
        arguments: ["application/json", "multipart/form-data; boundary=a", "text/plain", nil])
    func otherMediaTypes(type: String?) {
        let error = #expect(throws: HTTPError.self) {
            _ = try Form<Person>(request: fixture("name=a", type: type).request())
        }
        #expect(error?.status == .unsupportedMediaType)
        #expect(error?.detail.contains("application/x-www-form-urlencoded") == true)
    }

    @Test("an empty body needs no type")
    func noBody() throws {
        struct Nothing: Decodable { var name: String? }
        #expect(try Form<Nothing>(request: fixture("", type: nil).request()).name == nil)
    }

    @Test("the number of fields is bounded, since each one needs many times its bytes")
    func tinyFields() throws {
        let fields = ["name=a"] + (1..<1_000).map { "n\($0)=" }
        #expect(try Form<Person>(request: fixture(fields.joined(separator: "&")).request()).name == "a")
        let error = #expect(throws: HTTPError.self) {
            _ = try Form<Person>(request: fixture((fields + ["x="]).joined(separator: "&")).request())
        }
        #expect(error?.status == .contentTooLarge)
    }
}
