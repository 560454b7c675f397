import HTTPTypes
import PostludeRouting
import PostludeThreads

@testable import Postlude

/// Answers one request to `GET /page`, with middleware around its handler.
func answer(
    to request: RequestFixture, through middleware: any Middleware..., by handler: Handler
) async throws -> Response {
    var fixture = try ServerFixture(
        "routes: [{ path: /page, method: GET, handler: \(handler.name) }]", [handler])
    fixture.hooks = ApplicationHooks(middleware: middleware)
    let server = fixture
    return try await onThread {
        let generation = try server.generation()
        let head = try request.head()
        return generation.responder.respond(
            to: head, body: BodySource([]),
            as: generation.router.resolve(head, using: try RouteMatcher()), on: WorkerExecutor()
        ).response
    }
}

/// A request for the page, with header fields such as `HTTP_ORIGIN`.
func pageRequest(_ method: String = "GET", _ parameters: [(String, String)] = []) -> RequestFixture {
    RequestFixture(method: method, uri: "/page", parameters: parameters)
}
