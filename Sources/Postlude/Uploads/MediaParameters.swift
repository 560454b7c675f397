/// A header field's value with its parameters: `form-data; name="title"` (RFC 9110, 5.6.6).
struct MediaParameters {
    /// What stands in front of the parameters, in lower case.
    let value: String
    /// The names are in lower case; each occurs once.
    private let parameters: [String: [UInt8]]

    /// nil for what is malformed, and for a parameter that occurs twice.
    init?(_ field: some Sequence<UInt8>) {
        var rest = Array(field)[...]
        value = Self.lowercased(Self.trimmed(Self.take(&rest) { $0 != UInt8(ascii: ";") }))
        var parameters: [String: [UInt8]] = [:]
        while rest.popFirst() != nil {
            Self.skipSpace(&rest)
            // An empty parameter, such as after the last semicolon.
            if rest.isEmpty || rest.first == UInt8(ascii: ";") { continue }
            let name = Self.take(&rest) { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            guard rest.popFirst() == UInt8(ascii: "="), let value = Self.takeValue(&rest),
                parameters.updateValue(value, forKey: Self.lowercased(Self.trimmed(name))) == nil
            else { return nil }
            Self.skipSpace(&rest)
            guard rest.isEmpty || rest.first == UInt8(ascii: ";") else { return nil }
        }
        self.parameters = parameters
    }

    subscript(name: String) -> [UInt8]? { parameters[name] }

    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        skipSpace(&rest)
        guard rest.first == UInt8(ascii: "\"") else {
            return Array(trimmed(take(&rest) { $0 != UInt8(ascii: ";") }))
        }
        rest.removeFirst()
        var value: [UInt8] = []
        while true {
            value += take(&rest) { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            guard let stop = rest.popFirst() else { return nil }
            if stop == UInt8(ascii: "\"") { return value }
            // Browsers do not escape a file name's backslashes: only what needs an escape is taken for one.
            guard let next = rest.first else { return nil }
            if next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") { rest.removeFirst() }
            value.append(next == UInt8(ascii: "\"") ? next : stop)
        }
    }

    private static func take(
        _ rest: inout ArraySlice<UInt8>, while isWanted: (UInt8) -> Bool
    ) -> ArraySlice<UInt8> {
        let taken = rest.prefix(while: isWanted)
        rest = rest[taken.endIndex...]
        return taken
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        skipSpace(&bytes)
        while bytes.last == UInt8(ascii: " ") || bytes.last == UInt8(ascii: "\t") { bytes.removeLast() }
        return bytes
    }

    private static func lowercased(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).lowercased()
    }
}
