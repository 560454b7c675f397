public import HTTPTypes

/// A body that is sent in pieces, and whose length is not known before its end.
public struct StreamBody: Sendable {
    /// Writes a piece, and returns when the web server has taken it.
    typealias Write = @Sendable ([UInt8]) throws -> Void

    /// Bytes that are sent with the head before the first piece, so that the client learns that it is connected. The head
    /// alone is not enough: nginx keeps it until some of the body arrives, unless its record happens to need no padding.
    let opening: [UInt8]?
    /// Whether a process that drains ends the stream, which has no end of its own, instead of waiting for it.
    let endsAtShutdown: Bool
    /// What a server sends without a worker, instead of calling `run`; nil for other streams.
    let subscription: EventSubscription?
    /// Writes the pieces, one after another. Called at most once.
    let run: @Sendable (_ write: @escaping Write) async throws -> Void

    init(
        opening: [UInt8]?, endsAtShutdown: Bool, subscription: EventSubscription? = nil,
        run: @escaping @Sendable (_ write: @escaping Write) async throws -> Void
    ) {
        self.opening = opening
        self.endsAtShutdown = endsAtShutdown
        self.subscription = subscription
        self.run = run
    }
}

extension StreamBody {
    init(_ subscription: EventSubscription) {
        self.init(opening: subscription.opening, endsAtShutdown: true, subscription: subscription) { write in
            try await subscription.send(through: write)
        }
    }

    init<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, bytes: @escaping @Sendable (Pieces.Element) -> [UInt8]
    ) {
        self.init(opening: nil, endsAtShutdown: false) { write in
            for try await piece in pieces {
                // The sequence may not check for cancellation itself.
                try Task.checkCancellation()
                try write(bytes(piece))
            }
        }
    }
}

extension ResponseConvertible where Self == Response {
    /// Returns a response whose body is sent in pieces, each as soon as it is available.
    ///
    /// ```swift
    /// Handler("export") {
    ///     .stream(contentType: "text/csv", AsyncStream { rows in … })
    /// }
    /// ```
    ///
    /// The next piece is read from the sequence, on the worker's thread, when the web server has taken the one before it, so
    /// that a slow client slows the source down. `limits.write-time` applies to each piece, not to all of them together.
    ///
    /// - The response occupies its worker until it ends: `workers.max` must be larger than the number of streams that
    ///   are open at once.
    /// - If the client disconnects, the task that reads the sequence is cancelled, which ends an `AsyncStream` and most
    ///   other sequences. A sequence that waits and ignores cancellation continues to occupy its worker.
    /// - An error before the first piece is answered with 500. A later error closes the connection, so that the client does
    ///   not take the incomplete response for a complete one. It is logged, and has the same effect on tasks as an error of
    ///   the handler.
    /// - A process that stops waits for the end of the response, at most for `shutdown-grace`.
    ///
    /// - Parameters:
    ///   - contentType: the type of the whole body.
    ///   - status: the answer's status.
    ///   - headers: further header fields.
    ///   - isBuffered: whether nginx buffers the pieces. By default, it does not (`X-Accel-Buffering: no`), and each piece
    ///     reaches the client at once; if it does, a slow client does not occupy the worker.
    ///   - pieces: the pieces, which are read once, and not at all for HEAD.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        contentType: String = "application/octet-stream", status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:], isBuffered: Bool = false, _ pieces: Pieces
    ) -> Response where Pieces.Element == [UInt8] {
        Response(
            status: status, contentType: contentType, headers: isBuffered ? headers : headers.unbuffered,
            body: .stream(StreamBody(pieces) { $0 }))
    }

    /// Returns a response whose body is sent in pieces of text, in UTF-8, each as soon as it is available.
    ///
    /// Otherwise, it works like the function for pieces of bytes.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        contentType: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:], isBuffered: Bool = false, _ pieces: Pieces
    ) -> Response where Pieces.Element: StringProtocol {
        Response(
            status: status, contentType: contentType, headers: isBuffered ? headers : headers.unbuffered,
            body: .stream(StreamBody(pieces) { Array($0.utf8) }))
    }
}

extension HTTPFields {
    /// The fields with the one that has nginx pass on each piece at once, unless the application has set that field itself.
    var unbuffered: HTTPFields {
        var fields = self
        if let name = HTTPField.Name("X-Accel-Buffering"), fields[name] == nil { fields[name] = "no" }
        return fields
    }
}
