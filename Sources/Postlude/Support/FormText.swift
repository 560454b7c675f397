/// A parser of `application/x-www-form-urlencoded` (WHATWG URL, 5.1).
enum FormText {
    static func items(of text: String) -> [(name: String, value: String)] {
        items(of: ArraySlice(text.utf8))
    }

    static func items(of bytes: ArraySlice<UInt8>) -> [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        items.reserveCapacity(8)
        var rest = bytes
        while !rest.isEmpty {
            let item = rest.prefix { $0 != UInt8(ascii: "&") }
            rest = rest[item.endIndex...].dropFirst()
            guard !item.isEmpty else { continue }
            let name = item.prefix { $0 != UInt8(ascii: "=") }
            items.append((decoded(name), decoded(item[name.endIndex...].dropFirst())))
        }
        return items
    }

    /// Decodes a name or value. Plus signs are spaces, an invalid escape is kept, and invalid UTF-8 is replaced.
    private static func decoded(_ text: ArraySlice<UInt8>) -> String {
        guard text.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "%") }) else {
            return String(decoding: text, as: UTF8.self)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                if digits.count == 2, let value = hexadecimal(digits) {
                    bytes.append(value)
                    rest.removeFirst(2)
                } else {
                    bytes.append(byte)
                }
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func hexadecimal(_ digits: some Collection<UInt8>) -> UInt8? {
        // init(_:radix:) alone would accept a sign.
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
