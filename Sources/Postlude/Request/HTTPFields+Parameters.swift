internal import HTTPTypes
internal import PostludeFastCGI

extension HTTPFields {
    /// The header fields among FastCGI parameters: `HTTP_USER_AGENT` is `User-Agent`.
    ///
    /// A header that the client repeated is a parameter that the web server repeated, or joined; both read the same.
    init(parameters: some Sequence<(name: String, value: String)>) {
        self.init()
        for (name, value) in parameters {
            guard let field = HeaderParameter.fieldName(Array(name.utf8)[...], isEmpty: value.isEmpty),
                let fieldName = HTTPField.Name(field)
            else { continue }
            append(HTTPField(name: fieldName, value: value))
        }
    }
}

/// Which FastCGI parameters are header fields (RFC 3875, 4.1.18).
enum HeaderParameter {
    /// The header fields among a request's parameters, in the order in which they came, with names in lower case.
    static func fields(of head: RequestHead) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        head.forEach { name, value in
            guard let field = fieldName(name, isEmpty: value.isEmpty) else { return }
            fields.append((field, String(decoding: value, as: UTF8.self)))
        }
        return fields
    }

    /// The values of the fields that a property's key stands for, in the order in which they came.
    static func values(for key: String, in head: RequestHead) -> [String] {
        var values: [String] = []
        head.forEach { name, value in
            guard let field = field(name, isEmpty: value.isEmpty), FieldName.matches(key, field) else {
                return
            }
            values.append(String(decoding: value, as: UTF8.self))
        }
        return values
    }

    /// - Parameter isEmpty: whether the value is.
    /// - Returns: the field's name in lower case, nil for a parameter that is not a header field.
    static func fieldName(_ parameter: ArraySlice<UInt8>, isEmpty: Bool) -> String? {
        field(parameter, isEmpty: isEmpty).map(lowercased)
    }

    /// - Returns: the field's name as the web server wrote it, nil for a parameter that is not a header field.
    private static func field(_ parameter: ArraySlice<UInt8>, isEmpty: Bool) -> ArraySlice<UInt8>? {
        let prefix = StaticString("HTTP_")
        guard parameter.starts(with: bytes(of: prefix)) else {
            return !isEmpty && isContent(parameter) ? parameter : nil
        }
        let field = parameter.dropFirst(prefix.utf8CodeUnitCount)
        // nginx sends these beside CONTENT_TYPE and CONTENT_LENGTH.
        return isContent(field) ? nil : field
    }

    private static func isContent(_ name: ArraySlice<UInt8>) -> Bool {
        name.elementsEqual(bytes(of: "CONTENT_TYPE")) || name.elementsEqual(bytes(of: "CONTENT_LENGTH"))
    }

    private static func bytes(of text: StaticString) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    private static func lowercased(_ name: ArraySlice<UInt8>) -> String {
        String(unsafeUninitializedCapacity: name.count) { buffer in
            for (place, byte) in name.enumerated() {
                switch byte {
                case UInt8(ascii: "_"): buffer[place] = UInt8(ascii: "-")
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): buffer[place] = byte | 0x20
                default: buffer[place] = byte
                }
            }
            return name.count
        }
    }
}
