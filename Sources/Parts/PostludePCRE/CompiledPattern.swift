internal import CPostludePCRE2

/// A regular expression compiled by PCRE2, with machine code of its JIT compiler if that is available.
// @unchecked because the pointer is not Sendable: PCRE2 never writes to compiled code after
// `pcre2_jit_compile`, and its documentation (pcre2api, MULTITHREADING) lets threads share it.
package final class CompiledPattern: @unchecked Sendable {
    let code: OpaquePointer
    /// The number of capturing groups.
    package let captureCount: Int
    /// The highest group number of a back reference; 0 if there is none.
    package let highestBackReference: Int
    /// The named groups, in the order of their numbers.
    package let namedGroups: [(name: String, number: Int)]
    /// Whether there is machine code. If the system forbids executable memory, PCRE2 interprets the pattern, within the
    /// same limits.
    package let isJITCompiled: Bool

    package init(_ text: String, options: Options) throws(PCREError) {
        var text = text
        var errorCode: Int32 = 0
        var errorOffset = 0
        let compiled = text.withUTF8 { bytes in
            pcre2_compile_8(bytes.baseAddress, bytes.count, options.rawValue, &errorCode, &errorOffset, nil)
        }
        guard let compiled else {
            throw PCREError(code: errorCode, offset: errorOffset)
        }
        code = compiled
        isJITCompiled = pcre2_jit_compile_8(compiled, PCRE2_JIT_COMPLETE) == 0
        captureCount = Int(Self.information(PCRE2_INFO_CAPTURECOUNT, of: compiled, as: UInt32.self) ?? 0)
        highestBackReference = Int(
            Self.information(PCRE2_INFO_BACKREFMAX, of: compiled, as: UInt32.self) ?? 0)
        namedGroups = Self.namedGroups(of: compiled)
    }

    deinit {
        pcre2_code_free_8(code)
    }

    private static func information<Value: BitwiseCopyable>(
        _ what: Int32, of code: OpaquePointer, as type: Value.Type
    ) -> Value? {
        withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { buffer in
            guard let address = buffer.baseAddress,
                pcre2_pattern_info_8(code, UInt32(what), address) == 0
            else { return nil }
            return address.pointee
        }
    }

    /// Reads the name table: fixed-size entries of a big-endian group number and a terminated name.
    private static func namedGroups(of code: OpaquePointer) -> [(name: String, number: Int)] {
        guard let count = information(PCRE2_INFO_NAMECOUNT, of: code, as: UInt32.self), count > 0,
            let size = information(PCRE2_INFO_NAMEENTRYSIZE, of: code, as: UInt32.self), size > 2,
            let address = information(PCRE2_INFO_NAMETABLE, of: code, as: UnsafePointer<UInt8>?.self),
            let table = address
        else { return [] }
        let bytes = UnsafeBufferPointer(start: table, count: Int(count) * Int(size))
        return (0..<Int(count)).map { entry in
            let start = entry * Int(size)
            let name = bytes[(start + 2)..<(start + Int(size))].prefix { $0 != 0 }
            return (String(decoding: name, as: UTF8.self), Int(bytes[start]) << 8 | Int(bytes[start + 1]))
        }
        .sorted { $0.number < $1.number }
    }
}
