internal import CPostludeLinux

extension [UInt8] {
    /// Returns the index of the first occurrence of `needle` at or after `start`; nil if there is none.
    ///
    /// Takes linear time, whatever the bytes are.
    package func firstIndex(of needle: [UInt8], from start: Int) -> Int? {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, start >= 0, start <= bytes.count else { return nil }
            return needle.withUnsafeBytes { needle in
                clinux_find(base + start, bytes.count - start, needle.baseAddress, needle.count)
            }.map { base.distance(to: $0) }
        }
    }
}
