internal import PostludeSystem

/// A key under which a store keeps the answer to a request, so that the client can repeat the request.
package struct IdempotencyKey: Sendable, Hashable {
    /// The largest size of the client's key, in bytes.
    package static let limit = 255

    /// The route whose requests have the key, such as `POST /orders`.
    package let route: String
    /// The names of those on whose behalf the request is made; empty if keys are not divided by that.
    package let principals: [String]
    /// The key as the client has chosen it.
    package let key: String

    /// - Returns: nil if the client's key is empty, or larger than ``limit``.
    package init?(route: String, principals: [String], key: String) {
        guard 1...Self.limit ~= key.utf8.count else { return nil }
        self.route = route
        self.principals = principals
        self.key = key
    }

    /// The digest of all parts, 32 bytes. Stores keep it instead of the parts: clients choose these, and cannot find two keys
    /// with the same digest.
    package var digest: [UInt8] {
        var digest = SHA256()
        digest.update(part: route.utf8)
        digest.update(part: key.utf8)
        for principal in principals { digest.update(part: principal.utf8) }
        return digest.finalize()
    }

    /// A number of 62 bits from a digest, for locks that are numbers.
    package static func lockNumber(of digest: [UInt8]) -> Int64 {
        digest.prefix(8).reduce(0) { $0 << 8 | Int64($1 & 0xff) } & (1 << 62 - 1)
    }
}

/// The right to answer the request with a key. It lasts until the value is released, or the process ends.
package protocol KeyLock: AnyObject, Sendable {}

/// What a store knows about a key.
package enum KeyBeginning: Sendable {
    /// No answer is stored. The caller may answer the request, as long as it keeps the lock.
    case first(any KeyLock)
    /// The request with this key is being answered, by this process or another one.
    case inFlight
    case answered(StoredAnswer)
    /// No answer is stored, and the store has as many answers as its settings allow.
    case full
}
