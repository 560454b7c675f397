/// The absolute form of a request's target, `http://host/path?query`, which a server must accept (RFC 9112, 3.2.2).
///
/// Some web servers hand it on in REQUEST_URI. The path is routed and logged without what stands before it.
package enum AbsoluteForm {
    /// Where scheme and authority end, as a count of bytes; nil for a target of another form.
    static func authorityEnd(in target: some RandomAccessCollection<UInt8>) -> Int? {
        guard let first = target.first, isLetter(first) else { return nil }
        let scheme = target.prefix { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
        let rest = target.dropFirst(scheme.count)
        guard rest.starts(with: "://".utf8) else { return nil }
        let authority = rest.dropFirst(3).prefix { !"/?#".utf8.contains($0) }
        guard !authority.isEmpty, authority.allSatisfy(isOfAuthority) else { return nil }
        return scheme.count + 3 + authority.count
    }

    /// The target without scheme and authority; one of another form as it is.
    package static func originForm(of target: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard target.first != UInt8(ascii: "/"), let end = authorityEnd(in: target) else { return target }
        let rest = target.dropFirst(end)
        return rest.first == UInt8(ascii: "/") ? rest : [UInt8(ascii: "/")] + rest
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// RFC 3986, 3.2; what no URI may hold, such as a space or a backslash, is refused.
    private static func isOfAuthority(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "-._~!$&'()*+,;=:@[]%".utf8.contains(byte)
    }
}
