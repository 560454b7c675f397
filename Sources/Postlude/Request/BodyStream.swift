internal import HTTPTypes

/// The request's body as it arrives, in pieces: for a handler that must not hold all of it in memory.
///
/// ```swift
/// func count(body: BodyStream) async throws -> [String: Int] {
///     var total = 0
///     for try await piece in body { total += piece.count }
///     return ["bytes": total]
/// }
/// ```
///
/// A synchronous handler asks for one piece after another with ``read()``. The route's `limits.body` bounds the whole
/// and `limits.read-time` the wait for a piece. What the handler leaves unread is thrown away.
public struct BodyStream: RequestInput {
    private let source: BodySource

    public init(request: Request) { source = request.storage.body }

    public static var bodyUse: BodyUse { .stream }

    /// The next piece, or nil at the body's end. Waits for it on the worker's thread.
    ///
    /// - Throws: ``HTTPError``: 408 when nothing came within `limits.read-time`, 413 when the body is longer than
    ///   `limits.body`, 400 when it ended before its `Content-Length`. `CancellationError` when
    ///   the request is cancelled (``Request/isCancelled``).
    public func read() throws -> [UInt8]? { try source.read() }
}

@available(*, unavailable, message: "a body is read before the response ends: pass what a task needs to it")
extension BodyStream: Sendable {}

extension BodyStream: AsyncSequence {
    public struct AsyncIterator: AsyncIteratorProtocol {
        let body: BodyStream

        public mutating func next() async throws -> [UInt8]? { try body.read() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }
}

/// Where a request's body comes from.
final class BodySource {
    /// All of it where it was collected; empty where it is read in pieces.
    let bytes: [UInt8]
    /// How long to wait for a piece.
    var readTime = Duration.seconds(60)
    var cancellation: RequestCancellation?
    private var nextPiece: ((Duration) throws -> [UInt8]?)?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var rest: [UInt8]? = bytes.isEmpty ? nil : bytes
        nextPiece = { _ in
            defer { rest = nil }
            return rest
        }
    }

    /// - Parameter nextPiece: waits so long for the next piece; nil at the end, and then again.
    init(reading nextPiece: @escaping (Duration) throws -> [UInt8]?) {
        bytes = []
        self.nextPiece = nextPiece
    }

    func read() throws -> [UInt8]? {
        guard let nextPiece else { throw HTTPError(.badRequest, "The request is over") }
        if let cancellation, cancellation.isCancelled { throw CancellationError() }
        return try nextPiece(readTime)
    }

    /// The response is finished: the connection may be reading another request's body by now.
    func close() { nextPiece = nil }
}
