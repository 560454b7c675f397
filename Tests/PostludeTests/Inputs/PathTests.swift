import Testing

@testable import Postlude

@Suite("Path")
struct PathTests {
    @Test("a struct takes the pattern's parameters, percent-decoded")
    func parameters() throws {
        struct File: Decodable, Equatable {
            var user: Int
            var name: String
        }
        let request = try RequestFixture.get(
            "/users/7/files/a%2Fb%20%C3%A4", route: "/users/{user:int}/files/{name}"
        ).request()
        let path = try Path<File>(request: request)
        #expect(path.value == File(user: 7, name: "a/b ä"))
        #expect(path.user == 7)
        #expect(request.parameters["name"] == "a/b ä")
        #expect(request.parameters["other"] == nil)
        #expect(request.parameters.pairs.map(\.name) == ["user", "name"])
    }

    @Test("a property that the pattern does not name is missing")
    func missing() {
        struct Item: Decodable { var id: Int }
        #expect(
            issues {
                _ = try Path<Item>(request: RequestFixture.get("/7", route: "/{item_id}").request())
            } == ["path.id: Field required (missing)"])
    }

    @Test("an integer that the pattern accepts can be too large for the type")
    func overflow() {
        #expect(
            issues {
                let request = try RequestFixture.get("/9223372036854775808", route: "/{id:int}").request()
                _ = try Path<Int>(request: request)
            } == [
                "path.id: Input should be a valid integer, unable to parse string as an integer (int_parsing)"
            ])
    }
}
