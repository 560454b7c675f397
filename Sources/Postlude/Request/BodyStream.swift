internal import HTTPTypes

/// The request's body as it arrives, in pieces, for a handler that must not hold all of it in memory.
///
/// ```swift
/// func count(body: BodyStream) async throws -> [String: Int] {
///     var total = 0
///     for try await piece in body { total += piece.count }
///     return ["bytes": total]
/// }
/// ```
///
/// A synchronous handler calls ``read()`` for one piece after another. The route's `limits.body` bounds the whole body,
/// and `limits.read-time` the wait for each piece. The part of the body that the handler does not read is discarded.
public struct BodyStream: RequestInput {
    private let request: RequestStorage

    public init(request: Request) { self.request = request.storage }

    public static var bodyUse: BodyUse { .stream }

    /// Returns the next piece, or nil at the end of the body. Blocks the worker's thread until the piece arrives.
    ///
    /// - Throws: ``HTTPError``: 408 if nothing arrived within `limits.read-time`, 413 if the body is longer than
    ///   `limits.body`, 400 if it ended before its `Content-Length`. `CancellationError` if the request is cancelled
    ///   (``Request/isCancelled``).
    public func read() throws -> [UInt8]? { try request.body.read() }
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

/// The source of a request's body.
struct BodySource {
    /// The whole body if it was collected; empty if it is read in pieces.
    private(set) var bytes: [UInt8]
    /// Whether the body is collected on demand, because a guard may refuse the request before it is read.
    var isLate = false
    private var collected: Result<Void, any Error>?
    /// The longest wait for a piece.
    var readTime = Duration.seconds(60)
    var cancellation: RequestCancellation?
    private var rest: Rest

    private enum Rest {
        /// `bytes`, which were not read yet.
        case whole
        case pieces((Duration) throws -> [UInt8]?)
        case none
        /// The request is over.
        case closed
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        rest = bytes.isEmpty ? .none : .whole
    }

    /// - Parameter nextPiece: returns the next piece, and waits for it no longer than the given time. Returns nil at the
    ///   end, and on each later call.
    init(reading nextPiece: @escaping (Duration) throws -> [UInt8]?) {
        bytes = []
        rest = .pieces(nextPiece)
    }

    mutating func read() throws -> [UInt8]? {
        if case .closed = rest { throw HTTPError(.badRequest, "The request is over") }
        if let cancellation, cancellation.isCancelled { throw CancellationError() }
        switch rest {
        case .whole:
            rest = .none
            return bytes
        case .pieces(let next): return try next(readTime)
        case .none, .closed: return nil
        }
    }

    /// Reads the whole body, once: middleware may ask for it before the handler does.
    ///
    /// - Throws: as `read()`; each call throws the same error.
    mutating func collect() throws {
        if let collected { return try collected.get() }
        var all: [UInt8] = []
        do {
            while let piece = try read() { all += piece }
            bytes = all
            rest = all.isEmpty ? .none : .whole
            collected = .success(())
        } catch {
            collected = .failure(error)
            throw error
        }
    }

    /// Ends reading after the response is finished, since the connection may then be reading another request's body.
    mutating func close() { rest = .closed }
}
