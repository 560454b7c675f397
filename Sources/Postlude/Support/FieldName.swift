/// The mapping between property keys and header field names: `userAgent` and `user-agent`.
enum FieldName {
    /// Whether a key and a field's name match. Compares bytes, since it is called for every field of a request; field
    /// names are ASCII (RFC 9110, 5.6.2).
    static func matches(_ key: String, _ name: String) -> Bool { matches(key, name.utf8) }

    static func matches(_ key: String, _ name: some Sequence<UInt8>) -> Bool {
        var (left, right) = (key.utf8.makeIterator(), name.makeIterator())
        while true {
            let (one, other) = (letter(&left), letter(&right))
            guard one == other else { return false }
            if one == nil { return true }
        }
    }

    /// Returns the next byte that is not a hyphen or underscore, in lower case.
    private static func letter(_ bytes: inout some IteratorProtocol<UInt8>) -> UInt8? {
        while let byte = bytes.next() {
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "_"): continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): return byte | 0x20
            default: return byte
            }
        }
        return nil
    }

    /// Returns the field name for a key: `xRequestID` is `x-request-id`.
    static func dashed(_ key: String) -> String {
        let characters = Array(key)
        return characters.indices.map { index in
            let character = characters[index]
            guard character != "_" else { return "-" }
            let before = characters.prefix(index).last
            let after = characters.dropFirst(index + 1).first
            // A word begins at an upper-case letter after a lower-case letter or a digit, and at the last of several
            // upper-case letters.
            let begins =
                before?.isLowercase == true || before?.isNumber == true
                || before?.isUppercase == true && after?.isLowercase == true
            return (character.isUppercase && begins ? "-" : "") + character.lowercased()
        }.joined()
    }
}
