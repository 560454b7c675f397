internal import HTTPTypes
internal import PostludeFastCGI

extension HTTPFields {
    /// Creates the header fields from FastCGI parameters: `HTTP_USER_AGENT` is `User-Agent`.
    ///
    /// If a client repeats a header field, the web server either repeats the parameter or joins the values. Both read the
    /// same.
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

/// The mapping from FastCGI parameters to header fields (RFC 3875, 4.1.18).
enum HeaderParameter {
    /// Returns the header fields among a request's parameters, in the order in which they arrived, with names in lower
    /// case.
    static func fields(of head: RequestHead) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        head.forEach { name, value in
            guard let field = fieldName(name, isEmpty: value.isEmpty) else { return }
            fields.append((field, String(decoding: value, as: UTF8.self)))
        }
        return fields
    }

    /// Returns the values of the fields that match a property's key, in the order in which they arrived.
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

    /// Returns the name of the header field that a parameter represents.
    ///
    /// - Parameter isEmpty: whether the parameter's value is empty.
    /// - Returns: the field's name in lower case; nil for a parameter that is not a header field.
    static func fieldName(_ parameter: ArraySlice<UInt8>, isEmpty: Bool) -> String? {
        field(parameter, isEmpty: isEmpty).map(lowercased)
    }

    /// - Returns: the field's name as the web server wrote it; nil for a parameter that is not a header field.
    private static func field(_ parameter: ArraySlice<UInt8>, isEmpty: Bool) -> ArraySlice<UInt8>? {
        let prefix = StaticString("HTTP_")
        guard parameter.starts(with: bytes(of: prefix)) else {
            return !isEmpty && isContent(parameter) ? parameter : nil
        }
        let field = parameter.dropFirst(prefix.utf8CodeUnitCount)
        // nginx sends HTTP_CONTENT_TYPE and HTTP_CONTENT_LENGTH in addition to CONTENT_TYPE and CONTENT_LENGTH.
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
