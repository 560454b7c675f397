internal import CPostludeLinux

extension [UInt8] {
    /// Where `needle` begins for the first time at or after `start`; nil when it does not occur.
    ///
    /// In linear time, whatever the bytes are.
    package func firstIndex(of needle: [UInt8], from start: Int) -> Int? {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, start >= 0, start <= bytes.count else { return nil }
            return needle.withUnsafeBytes { needle in
                clinux_find(base + start, bytes.count - start, needle.baseAddress, needle.count)
            }.map { base.distance(to: $0) }
        }
    }
}
