internal import FoundationEssentials
internal import HTTPTypes
public import Postlude

extension Handler {
    /// Returns a handler that responds with the status of a durable task, by its id from the response's `Task-Id`. The manifest
    /// needs a route with one parameter:
    ///
    /// ```yaml
    /// routes:
    ///   - { path: "/tasks/{id}", method: GET, handler: task-status }
    /// ```
    ///
    /// The response is JSON: `{"added": …, "attempts": 1, "due": …, "ended": …, "id": …, "name": "Charge", "state": "done",
    /// "result": …}`, with `"progress": {"fraction": 0.4, "message": "page 3 of 8"}` if the task has reported it, or 404. Every client that has an id can get the status; ids cannot be guessed.
    ///
    /// - Parameters:
    ///   - name: the handler's name in routes.
    ///   - showsErrors: whether the response contains the text of the last error, which may show internals.
    public static func durableTaskStatus(
        _ name: String = "task-status", showingErrors showsErrors: Bool = false
    ) -> Handler {
        Handler(name) { (id: Path<String>, tasks: BackgroundTasks) throws -> Response in
            guard let status = try tasks.status(of: id.value) else {
                throw HTTPError(.notFound, "There is no such task, or it was removed")
            }
            return Response(
                contentType: "application/json", headers: [.cacheControl: "no-store"],
                body: try StatusAnswer(status, showsErrors).json())
        }
    }
}
