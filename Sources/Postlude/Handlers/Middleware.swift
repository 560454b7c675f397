/// Code that runs before and after handlers, for authentication, header fields or measurements.
///
/// ```swift
/// struct NoSniff: Middleware {
///     func respond(to request: Request, next: Next) async throws -> Response {
///         var response = try await next(request)
///         response.headers[.xContentTypeOptions] = "nosniff"
///         return response
///     }
/// }
/// ```
///
/// It is called for every request with a valid path, including those that no route matches (``Request/route`` is empty
/// then), and sees every response, including those made of errors that the handler has thrown. It does not enclose the
/// tasks: they begin after the response is finished.
///
/// It may call `next` more than once. The last call counts, and the tasks that earlier calls have added are dropped.
/// Tasks that it adds itself, with ``BackgroundTasks/init(request:)``, are not affected.
///
/// With middleware, handlers that are not async are called from async code, on the same thread.
public protocol Middleware: Sendable {
    /// The rest of the chain, which ends with the handler.
    typealias Next = (Request) async throws -> Response

    /// Answers a request, usually by calling `next`.
    ///
    /// - Throws: ``HTTPError`` and other errors, which are answered as if the handler had thrown them.
    func respond(to request: Request, next: Next) async throws -> Response
}
