internal import HTTPTypes

/// The header fields of one part (RFC 7578, 4.2 to 4.8).
struct PartHead: Equatable {
    let name: String
    /// The name of the file; nil without one; empty if a form's file field was left empty.
    let filename: String?
    let contentType: String?

    /// Whether the part is a file. A form's file field has a file name; other clients may omit it (RFC 7578, 4.2).
    var isFile: Bool {
        filename != nil
            || contentType.flatMap { MediaParameters($0.utf8)?.value } == "application/octet-stream"
    }

    /// - Parameter bytes: the lines of the header, without the empty line after them.
    init(_ bytes: ArraySlice<UInt8>) throws(HTTPError) {
        var disposition: MediaParameters?
        var contentType: String?
        for line in try Self.lines(bytes) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy({ (0x21...0x7e).contains($0) })
            else { throw .multipart("a line of a part's header is not a field") }
            let value = line[(colon + 1)...]
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "content-disposition":
                guard disposition == nil, let parameters = MediaParameters(value),
                    parameters.value == "form-data"
                else { throw .multipart("a part's Content-Disposition is not one form-data") }
                disposition = parameters
            case "content-type":
                guard contentType == nil else { throw .multipart("a part has two Content-Types") }
                contentType = Self.trimmed(value)
            case "content-transfer-encoding":
                guard ["binary", "8bit", "7bit"].contains(Self.trimmed(value).lowercased()) else {
                    throw .multipart("a part has a Content-Transfer-Encoding (RFC 7578, 4.7)")
                }
            default: break
            }
        }
        guard let disposition else { throw .multipart("a part has no name in a Content-Disposition") }
        name = try Self.name(in: disposition)
        filename = try Self.filename(in: disposition)
        self.contentType = contentType
    }

    private static func name(in disposition: MediaParameters) throws(HTTPError) -> String {
        if let name = disposition["name"] {
            guard let name = String(validating: unescaped(name), as: UTF8.self) else {
                throw .multipart("a part's name is not UTF-8")
            }
            return name
        }
        // RFC 7578, 4.2, does not provide for `name*`; some clients send it nevertheless.
        guard let encoded = disposition["name*"] else {
            throw .multipart("a part has no name in a Content-Disposition")
        }
        guard let name = ExtendedValue.text(encoded) else {
            throw .multipart("a part's name* does not conform to RFC 8187")
        }
        return name
    }

    /// Returns the file's name. The encoded form takes precedence (RFC 6266, 4.3).
    private static func filename(in disposition: MediaParameters) throws(HTTPError) -> String? {
        let encoded = disposition["filename*"]
        if let name = encoded.flatMap(ExtendedValue.text) { return name }
        if let name = disposition["filename"] { return String(decoding: unescaped(name), as: UTF8.self) }
        guard encoded == nil else { throw .multipart("a part's filename* does not conform to RFC 8187") }
        return nil
    }

    private static func lines(_ bytes: ArraySlice<UInt8>) throws(HTTPError) -> [ArraySlice<UInt8>] {
        guard !bytes.contains(0) else { throw .multipart("a part's header has a zero byte") }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for index in lines.indices {
            // All lines except the last one still end with the CR of their CRLF.
            if index < lines.endIndex - 1, lines[index].popLast() != UInt8(ascii: "\r") {
                throw .multipart("a line of a part's header does not end with CRLF")
            }
            guard !lines[index].contains(UInt8(ascii: "\r")) else {
                throw .multipart("a line of a part's header does not end with CRLF")
            }
        }
        return bytes.isEmpty ? [] : lines
    }

    /// Replaces `%22` by a quotation mark. Browsers escape nothing else that can be distinguished from the user's own
    /// text (WHATWG HTML, 4.10.21.8).
    private static func unescaped(_ text: [UInt8]) -> [UInt8] {
        text.replacing("%22".utf8, with: "\"".utf8)
    }

    private static func trimmed(_ value: ArraySlice<UInt8>) -> String {
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let start = value.drop(while: isSpace)
        let count = start.reversed().drop(while: isSpace).count
        return String(decoding: start.prefix(count), as: UTF8.self)
    }
}

/// A parameter's value with its character set, `UTF-8'en'%e2%82%ac%20rates` (RFC 8187, 3.2.1, before that RFC 5987).
private enum ExtendedValue {
    /// - Returns: nil for a malformed value, and for another character set.
    static func text(_ bytes: [UInt8]) -> String? {
        let parts = bytes.split(separator: UInt8(ascii: "'"), omittingEmptySubsequences: false)
        guard parts.count == 3, let value = decoded(parts[2]) else { return nil }
        switch String(decoding: parts[0], as: UTF8.self).lowercased() {
        case "utf-8": return String(validating: value, as: UTF8.self)
        case "iso-8859-1": return String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) }))
        default: return nil
        }
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var (rest, result) = (text, [UInt8]())
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard rest.count >= 2, let value = FormText.hexadecimal(rest.prefix(2)), value != 0 else {
                return nil
            }
            result.append(value)
            rest = rest.dropFirst(2)
        }
        return result
    }
}

extension HTTPError {
    /// - Parameter reason: the mistake, for the developer of the client.
    static func multipart(_ reason: String) -> HTTPError {
        HTTPError(.badRequest, "Malformed multipart/form-data: \(reason)")
    }
}

/// A header field's value with its parameters: `form-data; name="title"` (RFC 9110, 5.6.6).
struct MediaParameters {
    /// The value before the parameters, in lower case.
    let value: String
    /// The parameters by name, in lower case.
    private let parameters: [String: [UInt8]]

    /// Returns nil for a malformed value, and for a parameter that occurs twice.
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
            // Browsers do not escape backslashes in file names, so only `\"` and `\\` are escapes.
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
