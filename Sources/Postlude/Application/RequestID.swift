internal import FastCGI

/// What a request is called in the log.
enum RequestID {
    /// The web server's name for the request, if it has a sound one; otherwise a random one.
    static func of(_ head: RequestHead) -> String {
        for id in [head.value("REQUEST_ID"), head.value("HTTP_X_REQUEST_ID")] {
            if let id, isSound(id) { return String(decoding: id, as: UTF8.self) }
        }
        return random()
    }

    /// 128 random bits as hexadecimal digits.
    static func random() -> String {
        let bits = UInt128(UInt64.random(in: 0 ... .max)) << 64 | UInt128(UInt64.random(in: 0 ... .max))
        return String(unsafeUninitializedCapacity: 32) { digits in
            for place in 0..<32 {
                let digit = UInt8(truncatingIfNeeded: bits >> (124 - 4 * place)) & 15
                digits[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            }
            return 32
        }
    }

    /// A client chooses X-Request-ID: it must not be able to write into the log what it likes.
    private static func isSound(_ id: ArraySlice<UInt8>) -> Bool {
        (1...128).contains(id.count)
            && id.allSatisfy { byte in
                Character(Unicode.Scalar(byte)).isLetter && byte < 0x80
                    || "0123456789-_.:".utf8.contains(byte)
            }
    }
}
