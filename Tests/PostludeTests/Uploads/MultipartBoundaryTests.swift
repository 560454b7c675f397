import HTTPTypes
import Testing

@testable import Postlude

@Suite("MultipartBoundary")
struct MultipartBoundaryTests {
    private func boundary(_ contentType: String?) throws -> String {
        String(decoding: try MultipartBoundary(contentType: contentType).bytes, as: UTF8.self)
    }

    @Test(
        "the boundary is parsed in the forms that clients send",
        arguments: [
            ("multipart/form-data; boundary=----WebKitFormBoundaryAbC123", "----WebKitFormBoundaryAbC123"),
            ("Multipart/Form-Data;BOUNDARY=\"a b:c\"; charset=utf-8", "a b:c"),
            ("multipart/form-data; boundary=a=b/c?d", "a=b/c?d"),
            ("multipart/form-data; boundary=\"*~!#$%&^|@[]{}<>\"", "*~!#$%&^|@[]{}<>"),
            ("multipart/form-data; boundary=*~!#$%&^|@[]{}", "*~!#$%&^|@[]{}"),
        ])
    func sound(contentType: String, expected: String) throws {
        #expect(try boundary(contentType) == expected)
    }

    @Test(
        "another type, and a missing or empty boundary, get 415",
        arguments: [
            nil, "", "application/json", "application/x-www-form-urlencoded", "multipart/mixed; boundary=a",
            "multipart/form-data", "multipart/form-data; boundary", "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"a \"",
            "multipart/form-data; boundary=\"a\\\"b\"", "multipart/form-data; boundary=ä",
            "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\"a",
            "multipart/form-data; boundary=" + String(repeating: "x", count: 1_001),
        ])
    func unsound(contentType: String?) throws {
        let error = #expect(throws: HTTPError.self) { try boundary(contentType) }
        #expect(error?.status == .unsupportedMediaType)
    }

    @Test("a boundary of 1,000 characters is the longest")
    func longest() throws {
        let text = String(repeating: "x", count: 1_000)
        #expect(try boundary("multipart/form-data; boundary=\(text)") == text)
    }
}
