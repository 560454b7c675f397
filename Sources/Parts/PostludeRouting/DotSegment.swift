/// A segment with a special meaning in relative paths.
enum DotSegment {
    /// `.`
    case current
    /// `..`
    case parent

    init?(_ segment: some Collection<UInt8>) {
        guard segment.count <= 2, !segment.isEmpty, segment.allSatisfy({ $0 == UInt8(ascii: ".") }) else {
            return nil
        }
        self = segment.count == 1 ? .current : .parent
    }

    /// Whether a normalised segment would contain a dot segment if each `%2F` were a slash.
    ///
    /// Code that decodes the segment once more, or passes it to a file system, must not leave a directory with it.
    static func isHidden(in segment: ArraySlice<UInt8>) -> Bool {
        var rest = segment
        while true {
            // In normalised text, a percent sign is always part of `%2F` or `%25`.
            var end = rest.startIndex
            while end < rest.endIndex, !rest[end...].starts(with: PercentEscape.slash) {
                end += 1
            }
            if DotSegment(rest[..<end]) != nil { return true }
            if end == rest.endIndex { return false }
            rest = rest[(end + PercentEscape.slash.count)...]
        }
    }
}
