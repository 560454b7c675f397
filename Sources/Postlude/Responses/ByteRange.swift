/// What a `Range` field asks for, of something that has a certain length (RFC 9110, 14.1.2).
enum ByteRange: Equatable {
    /// All of it: there is no range, or none that has to be obeyed.
    case whole
    case part(Range<Int>)
    case unsatisfiable

    /// Several ranges get the whole: a server may ignore the field (14.2), and parts in a multipart body are something
    /// that few clients read.
    init(_ field: String, of count: Int) {
        self = .whole
        let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].trimmingSpaces.lowercased() == "bytes" else { return }
        let ends = parts[1].trimmingSpaces.split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2 else { return }
        switch (ends[0].isEmpty, ends[1].isEmpty) {
        case (true, true): return
        case (true, false):
            guard let suffix = Self.number(ends[1]) else { return }
            if suffix == 0 {
                self = .unsatisfiable
            } else if count > 0 {
                self = .part(max(0, count - suffix)..<count)
            }
        case (false, let isOpen):
            guard let first = Self.number(ends[0]), let last = isOpen ? .max : Self.number(ends[1]),
                first <= last
            else { return }
            self = first < count ? .part(first..<(min(last, count - 1) + 1)) : .unsatisfiable
        }
    }

    /// A number beyond all files is as good as any other that is.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text) ?? .max
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring { String(self).trimmingSpaces }
}
