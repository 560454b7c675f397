internal import PostludeFastCGI

/// The cookies that a client sent, in the client's order (RFC 6265, 4.2 and 5.4).
///
/// Values are as the client sent them, except that surrounding double quotes are removed; nothing else is decoded. A part
/// without an equals sign is not a cookie.
public struct RequestCookies: Sendable, RandomAccessCollection {
    public typealias Element = (name: String, value: String)

    let pairs: [Element]

    /// - Parameter fields: the values of the `Cookie` header fields.
    init(_ fields: some Sequence<String>) {
        pairs = fields.flatMap { field in
            field.utf8.split(separator: UInt8(ascii: ";")).compactMap(Self.pair)
        }
    }

    public var startIndex: Int { pairs.startIndex }
    public var endIndex: Int { pairs.endIndex }
    public subscript(position: Int) -> Element { pairs[position] }

    /// Returns the value of the first cookie with this name, which is case-sensitive; nil if there is none.
    public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    private static func pair(_ text: Substring.UTF8View) -> Element? {
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let name = trimmed(text[..<equals])
        var value = trimmed(text[text.index(after: equals)...])
        let quote = UInt8(ascii: "\"")
        if value.count >= 2, value.first == quote, value.last == quote {
            value = value.dropFirst().dropLast()
        }
        guard !name.isEmpty else { return nil }
        return (String(Substring(name)), String(Substring(value)))
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}

extension Request {
    /// The cookies that the client sent.
    public var cookies: RequestCookies {
        RequestCookies(storage.head.strings("HTTP_COOKIE"))
    }
}
