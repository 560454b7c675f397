extension RoutePattern {
    /// The pattern as a path template (RFC 6570, level 1, as OpenAPI uses it).
    package struct Template: Sendable, Hashable {
        /// `/items/{id}`, its literals percent-encoded.
        package let path: String
        package let parameters: [Parameter]
    }

    /// A parameter of a template.
    package struct Parameter: Sendable, Hashable {
        package let name: String
        package let kind: Kind
        /// Whether a slash or the path's end stands on both sides.
        package let isWholeSegment: Bool

        /// What its value may look like.
        package enum Kind: Sendable, Hashable {
            case any, int, slug, uuid
            /// The rest of the path, with its slashes; it may be empty.
            case path
            /// A PCRE2 expression.
            case expression(String)
        }
    }

    /// nil for a raw expression, which no template can say.
    package var template: Template? {
        guard case .segments(let segments) = shape else { return nil }
        var path = ""
        var parameters: [Parameter] = []
        for segment in segments {
            path += "/"
            for piece in segment.pieces {
                switch piece {
                case .literal(let bytes): path += Self.encoded(bytes, except: "%")
                case .parameter(let name, let type):
                    path += "{\(name)}"
                    parameters.append(
                        Parameter(
                            name: name, kind: Parameter.Kind(type), isWholeSegment: segment.pieces.count == 1)
                    )
                }
            }
        }
        return Template(path: path, parameters: parameters)
    }

    /// Literals keep `%2F` and `%25`; other characters that no path holds bare, and braces, are encoded again.
    ///
    /// - Parameter others: characters that stay as they are, besides those that a segment may hold (RFC 3986, 3.3).
    static func encoded(_ bytes: [UInt8], except others: String) -> String {
        bytes.map { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                return String(Unicode.Scalar(byte))
            case _ where "-._~!$&'()*+,;=:@".utf8.contains(byte) || others.utf8.contains(byte):
                return String(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                return (digits.count == 1 ? "%0" : "%") + digits
            }
        }.joined()
    }
}

extension RoutePattern.Parameter.Kind {
    init(_ type: ParameterType) {
        self =
            switch type {
            case .any: .any
            case .int: .int
            case .slug: .slug
            case .uuid: .uuid
            case .path: .path
            case .expression(let text): .expression(text)
            }
    }
}
