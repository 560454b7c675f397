internal import Glibc
internal import PostludeFastCGI
internal import PostludeSystem

/// The ids of requests, for logs.
enum RequestID {
    /// Returns the id that the web server or the client has sent, if it is valid; otherwise a random one.
    static func of(_ head: RequestHead) -> String { given(head) ?? random() }

    /// Returns the web server's id, or else the client's; nil if neither is valid.
    static func given(_ head: RequestHead) -> String? {
        for name in ["REQUEST_ID", "HTTP_X_REQUEST_ID"] as [StaticString] {
            if let id = head.value(name), isWellFormed(id) { return String(decoding: id, as: UTF8.self) }
        }
        return nil
    }

    /// Returns 128 random bits as hexadecimal digits.
    static func random() -> String {
        let (high, low) = numbers.withLock { ($0.next(), $0.next()) }
        return String(unsafeUninitializedCapacity: 32) { digits in
            for place in 0..<32 {
                let half = place < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (place % 16))) & 15
                digits[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            }
            return 32
        }
    }

    private static let numbers = Lock(RandomNumbers())

    /// Whether an id is short and has only harmless characters. Clients choose X-Request-ID, and must not be able to
    /// inject text into the log.
    private static func isWellFormed(_ id: ArraySlice<UInt8>) -> Bool {
        (1...128).contains(id.count) && id.allSatisfy(isWellFormed)
    }

    private static func isWellFormed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"): true
        default: false
        }
    }
}

/// Random numbers of the kernel, fetched in batches: a request with tasks would otherwise make two system calls.
private struct RandomNumbers {
    private var left: [UInt64] = []

    mutating func next() -> UInt64 {
        if left.isEmpty { refill() }
        return left.popLast() ?? .random(in: 0 ... .max)
    }

    private mutating func refill() {
        // 256 bytes, the most that getentropy(3) returns.
        var numbers = [UInt64](repeating: 0, count: 32)
        let result = numbers.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
        if result == 0 { left = numbers }
    }
}
