internal import CPostludePCRE2

/// The memory that one thread needs for matching, allocated once and used for every match.
package final class Matcher {
    /// The result of a match.
    package enum Result: Equatable {
        case match
        case noMatch
        /// Stopped by the match limit, the depth limit or the JIT's stack: neither a match nor a mismatch.
        case limitExceeded
        case failed(PCREError)
    }

    private let context: OpaquePointer
    private let stack: OpaquePointer?
    private var data: OpaquePointer
    private var capacity: Int
    /// PCRE2's vector of start and end offsets, two for each group; it belongs to `data`.
    private var offsets: UnsafeMutablePointer<Int>
    /// The number of pairs of `offsets` that the last match has set.
    private var setPairs = 0

    /// - Parameters:
    ///   - matchLimit: the number of backtracking steps that one match may take.
    ///   - depthLimit: the depth of nesting, if PCRE2 interprets the pattern instead of running machine code.
    package init(matchLimit: UInt32 = 100_000, depthLimit: UInt32 = 100_000) throws(PCREError) {
        guard let context = pcre2_match_context_create_8(nil) else { throw .outOfMemory }
        guard let data = pcre2_match_data_create_8(32, nil), let offsets = pcre2_get_ovector_pointer_8(data)
        else {
            pcre2_match_context_free_8(context)
            throw .outOfMemory
        }
        self.context = context
        self.data = data
        self.offsets = offsets
        capacity = 32
        // Without JIT in the library this is nil, and PCRE2 takes its memory from the heap.
        stack = pcre2_jit_stack_create_8(32 * 1024, 1024 * 1024, nil)
        pcre2_set_match_limit_8(context, matchLimit)
        pcre2_set_depth_limit_8(context, depthLimit)
        pcre2_jit_stack_assign_8(context, nil, stack.map { UnsafeMutableRawPointer($0) })
    }

    deinit {
        pcre2_match_data_free_8(data)
        pcre2_jit_stack_free_8(stack)
        pcre2_match_context_free_8(context)
    }

    /// Matches `subject` from its beginning.
    ///
    /// - Parameter isValidUTF8: a promise of the caller that saves PCRE2's check; if it is false, matching is
    ///   memory-unsafe.
    package func match(
        _ pattern: CompiledPattern, _ subject: UnsafeBufferPointer<UInt8>, isValidUTF8: Bool = false
    ) -> Result {
        setPairs = 0
        if pattern.captureCount >= capacity, !grow(to: pattern.captureCount + 1) {
            return .failed(.outOfMemory)
        }
        let code = pcre2_match_8(
            pattern.code, subject.baseAddress, subject.count, 0,
            isValidUTF8 ? PCRE2_NO_UTF_CHECK : 0, data, context)
        switch code {
        case 0...:
            // 0 would mean that the vector was too small, which `grow` has prevented.
            setPairs = Int(code)
            return .match
        case PCRE2_ERROR_NOMATCH:
            return .noMatch
        case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_DEPTHLIMIT, PCRE2_ERROR_HEAPLIMIT,
            PCRE2_ERROR_JIT_STACKLIMIT:
            return .limitExceeded
        default:
            return .failed(PCREError(code: code))
        }
    }

    /// Returns the range of the bytes that a group captured in the last match; nil if it captured none. Group 0 is the
    /// whole match.
    package func range(ofGroup group: Int) -> Range<Int>? {
        guard group >= 0, group < setPairs else { return nil }
        let start = offsets[2 * group]
        let end = offsets[2 * group + 1]
        // A `\K` can put a match's start after its end.
        guard start != postlude_pcre2_unset(), start <= end else { return nil }
        return start..<end
    }

    /// The name of the last `(*MARK:name)` on the matching path, if it is a number.
    package var markNumber: Int? {
        guard let mark = pcre2_get_mark_8(data), mark[0] != 0 else { return nil }
        var number = 0
        var position = 0
        while mark[position] != 0 {
            let digit = Int(mark[position]) - 0x30
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            guard (0...9).contains(digit), !overflow, tens <= Int.max - 9 else { return nil }
            number = tens + digit
            position += 1
        }
        return number
    }

    /// The name of the last `(*MARK:name)` on the matching path.
    package var mark: String? {
        pcre2_get_mark_8(data).map { String(cString: $0) }
    }

    private func grow(to pairs: Int) -> Bool {
        guard let larger = pcre2_match_data_create_8(UInt32(clamping: pairs), nil) else { return false }
        guard let vector = pcre2_get_ovector_pointer_8(larger) else {
            pcre2_match_data_free_8(larger)
            return false
        }
        pcre2_match_data_free_8(data)
        data = larger
        offsets = vector
        capacity = pairs
        return true
    }
}
