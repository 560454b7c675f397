/// Something that happens before and after handlers: authentication, header fields, a measurement.
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
/// It sees every request that has a sound path, also those that no route takes (``Request/route`` is empty then), and
/// every answer, also those of errors that the handler has thrown. It is never around the tasks: they begin when the
/// response is finished.
///
/// It may call `next` more than once: the last call decides, and the tasks that the earlier call has added are dropped.
/// Tasks that it adds itself, by ``BackgroundTasks/init(request:)``, are its own.
///
/// With middleware, handlers that are not async are called from async code, on the same thread.
public protocol Middleware: Sendable {
    /// Calls the rest of the chain, the handler at last.
    typealias Next = (Request) async throws -> Response

    /// - Throws: ``HTTPError`` and other errors, answered as if the handler had thrown them.
    func respond(to request: Request, next: Next) async throws -> Response
}
