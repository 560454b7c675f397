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
