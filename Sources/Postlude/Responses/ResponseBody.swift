internal import PostludeSystem

/// The body of a response: bytes in memory, a file, or a stream.
public enum ResponseBody: Sendable {
    /// The whole body in memory, sent with its `Content-Length`.
    case bytes([UInt8])
    /// A file, or a range of it, made by `Response.file`; read in pieces while it is sent.
    case file(FileBody)
    /// Pieces of an asynchronous sequence, made by `Response.stream` and `Response.events`.
    case stream(StreamBody)

    /// The bytes of a body that is in memory; nil for a file and for a stream.
    public var bytes: [UInt8]? {
        if case .bytes(let bytes) = self { bytes } else { nil }
    }

    /// The number of bytes; nil for a stream, whose length is not known.
    public var count: Int? {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let file): file.count
        case .stream: nil
        }
    }

    /// Returns the whole body, for middleware and tests. A stream can be collected or sent only once.
    ///
    /// - Parameter limit: the maximum number of bytes in memory.
    /// - Throws: ``ResponseBodyTooLargeError`` if there are more; the stream's error; the system's error for a file.
    public func collect(upTo limit: Int = 64 << 20) async throws -> [UInt8] {
        switch self {
        case .bytes(let bytes):
            guard bytes.count <= limit else { throw ResponseBodyTooLargeError(limit: limit) }
            return bytes
        case .file(let file):
            guard file.count <= limit else { throw ResponseBodyTooLargeError(limit: limit) }
            return try file.read()
        case .stream(let stream):
            let collected = Lock<[UInt8]>([])
            try await stream.run { piece in
                try collected.withLock { bytes in
                    guard bytes.count + piece.count <= limit else {
                        throw ResponseBodyTooLargeError(limit: limit)
                    }
                    bytes += piece
                }
            }
            return collected.withLock { $0 }
        }
    }
}

extension ResponseBody: ExpressibleByArrayLiteral {
    public init(arrayLiteral bytes: UInt8...) { self = .bytes(bytes) }
}

/// The error of a body that was to be collected in memory, and is larger than the caller allows.
public struct ResponseBodyTooLargeError: Error, Sendable, CustomStringConvertible {
    /// The caller's limit, in bytes.
    public let limit: Int

    public var description: String {
        "the response's body has more than \(limit) bytes; collect it with a larger limit, or do not collect it"
    }
}
