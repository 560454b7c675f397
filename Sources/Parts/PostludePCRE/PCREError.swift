internal import CPostludePCRE2

/// An error of PCRE2.
package struct PCREError: Error, Hashable, Sendable, CustomStringConvertible {
    /// PCRE2's error number: positive if compiling failed, negative if matching failed.
    package let code: Int32
    /// PCRE2's own message for `code`.
    package let message: String
    /// Where compiling stopped, in bytes of the pattern's UTF-8; 0 for every other error.
    package let offset: Int

    package var description: String {
        code > 0
            ? "PCRE2 error \(code) at offset \(offset): \(message)"
            : "PCRE2 error \(code): \(message)"
    }

    init(code: Int32, offset: Int = 0) {
        // 256 bytes hold PCRE2's longest message; a longer one would be truncated, but still terminated.
        let message = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
            let length = pcre2_get_error_message_8(code, buffer.baseAddress, buffer.count)
            return length < 0 ? "unknown error" : String(decoding: buffer.prefix(Int(length)), as: UTF8.self)
        }
        self.code = code
        self.message = message
        self.offset = offset
    }

    /// Whether the compiled pattern would not fit PCRE2's link size (64 KiB with Debian's library).
    package var isPatternTooLarge: Bool { code == PCRE2_ERROR_PATTERN_TOO_LARGE }

    static var outOfMemory: PCREError { PCREError(code: PCRE2_ERROR_NOMEMORY) }
}
