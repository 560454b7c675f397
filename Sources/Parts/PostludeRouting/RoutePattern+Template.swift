internal import PostludePCRE

/// Templates for the OpenAPI document.
extension RoutePattern {
    /// The pattern as a path template (RFC 6570, level 1, as OpenAPI uses it).
    package struct Template: Sendable, Hashable {
        /// The path, such as `/items/{id}`, with its literals percent-encoded.
        package let path: String
        package let parameters: [Parameter]
    }

    /// A parameter of a template.
    package struct Parameter: Sendable, Hashable {
        package let name: String
        package let kind: Kind
        /// Whether the parameter is a whole segment.
        package let isWholeSegment: Bool

        /// The values that a parameter can have.
        package enum Kind: Sendable, Hashable {
            case any, int, slug, uuid
            /// The rest of the path, with its slashes; it may be empty.
            case path
            /// A PCRE2 expression.
            case expression(String)
        }
    }

    /// The pattern as a template; nil for a raw expression, which no template can describe.
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

    /// Percent-encodes text. Literals keep `%2F` and `%25`; braces and other characters that a path must escape are
    /// encoded again.
    ///
    /// - Parameter others: characters that stay as they are, besides those that a segment may contain (RFC 3986, 3.3).
    private static func encoded(_ bytes: [UInt8], except others: String) -> String {
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
    fileprivate init(_ type: ParameterType) {
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

/// Paths for links.
extension RoutePattern {
    /// A value that a parameter of the pattern cannot have.
    package struct UnfitValue: Error, Hashable {
        package let name: String
        package let value: String
    }

    /// Returns a path that the pattern matches, percent-encoded.
    ///
    /// - Parameter values: the values by the names of the parameters.
    /// - Returns: nil for a raw expression, from which no path can be made.
    package func path(with values: [String: String]) throws(UnfitValue) -> String? {
        guard case .segments(let segments) = shape else { return nil }
        var path = ""
        for segment in segments {
            path += "/"
            for piece in segment.pieces {
                switch piece {
                case .literal(let bytes): path += Self.encoded(bytes, except: "%")
                case .parameter(let name, let type):
                    let value = values[name] ?? ""
                    guard type.takes(value) else { throw UnfitValue(name: name, value: value) }
                    path += Self.encoded(Array(value.utf8), except: type == .path ? "/" : "")
                }
            }
        }
        return path
    }
}

extension ParameterType {
    /// Whether a parameter of this type can have the value.
    fileprivate func takes(_ value: String) -> Bool {
        // The normalisation of paths removes dot segments, and refuses null bytes.
        let segments = value.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !value.utf8.contains(0),
            !segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) })
        else { return false }
        switch self {
        case .any: return !value.isEmpty
        case .int, .slug, .uuid: return covers(Array(value.utf8))
        case .path: return !segments.dropLast().contains { $0.isEmpty }
        case .expression(let text):
            guard let pattern = try? CompiledPattern("\\A(?:\(text))\\z", options: [.utf, .neverBackslashC]),
                let matcher = try? Matcher()
            else { return false }
            var value = value
            return value.withUTF8 { matcher.match(pattern, $0, isValidUTF8: true) == .match }
        }
    }
}

/// Prefixes for the configuration of a web server.
extension RoutePattern {
    /// The beginning of every path that a pattern matches, as a web server sees it: without escapes.
    package struct LiteralStart: Sendable, Hashable {
        /// The whole segments; an empty one at the end stands for a trailing slash.
        package var segments: [String]
        /// Whether the pattern matches this path and no other.
        package var isWhole: Bool
        /// Whether a path may end after the last segment, although the beginning is not the whole pattern.
        package var mayEnd: Bool
    }

    package var literalStart: LiteralStart {
        var segments: [String] = []
        var isWhole = !takesRest
        for step in steps {
            // A web server treats an encoded slash as a separator.
            guard let step, let text = Self.decoded(step) else {
                isWhole = false
                break
            }
            segments.append(text)
        }
        if case .regex = shape { return LiteralStart(segments: segments, isWhole: false, mayEnd: true) }
        return LiteralStart(segments: segments, isWhole: isWhole, mayEnd: false)
    }

    /// Returns a literal with the two escapes of normalised text decoded; nil if it contains a slash.
    private static func decoded(_ literal: [UInt8]) -> String? {
        let text = String(decoding: literal, as: UTF8.self)
        return text.contains("%2F") ? nil : text.replacing("%25", with: "%")
    }
}
