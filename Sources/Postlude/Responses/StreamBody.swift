public import HTTPTypes

/// A body that comes in pieces, whose length is not known before its end.
public struct StreamBody: Sendable {
    /// Takes a piece, and returns when the web server has it.
    typealias Write = @Sendable ([UInt8]) throws -> Void

    /// Sent with the head before there is a piece, so that a client learns that it is connected. The head alone would not
    /// do: nginx keeps it until there is some of the body, unless its record happens to need no padding.
    let opening: [UInt8]?
    /// It has no end of its own, so a process that drains need not wait for one.
    let endsAtShutdown: Bool
    /// Calls for one piece after another until there is none; called at most once.
    let run: @Sendable (_ write: @escaping Write) async throws -> Void
}

extension StreamBody {
    init<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, bytes: @escaping @Sendable (Pieces.Element) -> [UInt8]
    ) {
        self.init(opening: nil, endsAtShutdown: false) { write in
            for try await piece in pieces {
                // A sequence need not look: its pieces are no longer read.
                try Task.checkCancellation()
                try write(bytes(piece))
            }
        }
    }
}

extension ResponseConvertible where Self == Response {
    /// A body in pieces, each sent as soon as it is there.
    ///
    /// ```swift
    /// Handler("export") {
    ///     .stream(contentType: "text/csv", AsyncStream { rows in … })
    /// }
    /// ```
    ///
    /// The sequence is asked for a piece, on the worker's thread, when the web server has taken the one before it, so
    /// that a slow client slows the source down. `limits.write-time` is for one piece, not for all of them.
    ///
    /// - The response holds its worker until it ends: `workers.max` must be larger than the number of streams that
    ///   are open at once.
    /// - When the client has gone, the task that reads the sequence is cancelled, which ends an `AsyncStream` and most
    ///   other sequences. A sequence that waits and does not react holds its worker.
    /// - An error in front of the first piece is answered with 500. A later one breaks the connection off, so that the
    ///   client sees a response that is cut short and not one that is complete; it is logged, and tasks are as after a
    ///   handler that throws.
    /// - A process that is told to end waits for it, no longer than `shutdown-grace`.
    ///
    /// - Parameters:
    ///   - contentType: the type of the whole body.
    ///   - status: the answer's status.
    ///   - headers: further header fields.
    ///   - isBuffered: whether nginx collects pieces before it passes them on. With the default, `X-Accel-Buffering:
    ///     no`, each piece reaches the client at once; with true, a slow client does not hold the worker.
    ///   - pieces: read once, and not at all in the answer to HEAD.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        contentType: String = "application/octet-stream", status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:], isBuffered: Bool = false, _ pieces: Pieces
    ) -> Response where Pieces.Element == [UInt8] {
        Response(
            status: status, contentType: contentType, headers: isBuffered ? headers : headers.unbuffered,
            body: .stream(StreamBody(pieces) { $0 }))
    }

    /// A body in pieces of text, in UTF-8, each sent as soon as it is there.
    ///
    /// All that is said of pieces of bytes is true of these.
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
    /// Tells nginx to pass on each piece at once, unless the application has said something else.
    var unbuffered: HTTPFields {
        var fields = self
        if let name = HTTPField.Name("X-Accel-Buffering"), fields[name] == nil { fields[name] = "no" }
        return fields
    }
}
