import Foundation
import Postlude
import PostludeTesting
import Testing

private func doNothing() {}

@Suite struct AnswerTests {
    private struct Room: Codable, Sendable {
        var id: Int
        var opened = Date(timeIntervalSince1970: 1_896_091_200.123_456)
    }

    private enum ShopError: Error, ResponseConvertible {
        case soldOut, broken

        func response() throws -> Response {
            guard self == .soldOut else { throw HTTPError(.gone) }
            return try .json(["error": "sold out"], status: .conflict)
        }
    }

    private enum Colour: String, Codable, CaseIterable { case red, green, blue }

    private struct Paint: Decodable {
        var colour: Colour
    }

    private struct Shop: Application {
        var json: JSONFormat { JSONFormat(dateFraction: .milliseconds) }

        var handlers: Handlers {
            Handler("add-room") { (room: JSONBody<Room>, request: Request) throws -> Created<Room> in
                Created(room.value, location: try request.path(of: "show-room", ["id": room.id]))
            }
            Handler("show-room") { (id: Path<Int>) in Room(id: id.value) }
            Handler("later") { (tasks: BackgroundTasks) -> Accepted<[String: UUID]> in
                tasks.add(doNothing)
                return Accepted(["id": UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F") ?? UUID()])
            }
            Handler("buy") { (tasks: BackgroundTasks) throws -> Response in
                tasks.add(doNothing)
                throw ShopError.soldOut
            }
            Handler("break") { () throws -> Response in throw ShopError.broken }
            Handler("paint") { (paint: Query<Paint>) in paint.colour.rawValue }
        }
    }

    private func shop() async throws -> TestApplication<Shop> {
        try await TestApplication(
            Shop(),
            manifest: """
                prefix: /api
                routes:
                  - { path: /rooms, method: POST, handler: add-room }
                  - { path: "/rooms/{id:int}", method: GET, handler: show-room }
                  - { path: /later, method: POST, handler: later }
                  - { path: /buy, method: POST, handler: buy }
                  - { path: /break, method: POST, handler: break }
                  - { path: /paint, method: GET, handler: paint }
                """)
    }

    @Test func `a created resource is 201 with its place, and dates are as the application sets them`()
        async throws
    {
        let response = try await shop().send(.post("/api/rooms", json: Room(id: 7)))
        #expect(response.status == .created && response.headers[.location] == "/api/rooms/7")
        #expect(response.text == #"{"id":7,"opened":"2030-01-31T12:00:00.123Z"}"#)
        #expect(response.headers[.contentType] == "application/json")
    }

    @Test func `work that is done later is 202, with its tasks`() async throws {
        let response = try await shop().send(.post("/api/later"))
        #expect(response.status == .accepted && response.tasks.queued.count == 1)
        #expect(response.text == #"{"id":"e621e1f8-c36c-495a-93fc-0c247a3e6e5f"}"#)
    }

    @Test func `an error that is convertible to a response becomes the response, and drops the tasks`()
        async throws
    {
        let response = try await shop().send(.post("/api/buy"))
        #expect(response.status == .conflict && response.text == #"{"error":"sold out"}"#)
        #expect(response.tasks.queued.isEmpty)
        #expect(try await shop().send(.post("/api/break")).status == .internalServerError)
    }

    @Test func `an enumeration's error names its values`() async throws {
        let response = try await shop().send(.get("/api/paint?colour=pink"))
        #expect(response.status.code == 422)
        #expect(
            response.text
                == """
                {"detail":[{"ctx":{"expected":"'red', 'green' or 'blue'"},"loc":["query","colour"],\
                "msg":"Input should be 'red', 'green' or 'blue'","type":"enum"}]}
                """)
    }

    @Test func `a manifest whose path does not fit its handler is refused here, too`() async {
        await #expect(throws: (any Error).self) {
            try await TestApplication(
                Shop(), manifest: "routes: [{ path: \"/{a}/{b}\", method: GET, handler: show-room }]")
        }
    }
}
