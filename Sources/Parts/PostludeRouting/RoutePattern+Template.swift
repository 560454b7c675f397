internal import PostludePCRE

/// For the OpenAPI document.
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

/// For links.
extension RoutePattern {
    /// A value that no request to the pattern could have.
    package struct UnfitValue: Error, Hashable {
        package let name: String
        package let value: String
    }

    /// A path that the pattern takes, percent-encoded.
    ///
    /// - Parameter values: by the parameters' names.
    /// - Returns: nil for a raw expression, which cannot be turned round.
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
    /// Whether a path can bring a value.
    fileprivate func takes(_ value: String) -> Bool {
        // What paths are normalised by would not arrive.
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

/// For a web server's configuration.
extension RoutePattern {
    /// What every path of a pattern begins with, as a web server sees it: without escapes.
    package struct LiteralStart: Sendable, Hashable {
        /// Whole segments; an empty one at the end stands for a trailing slash.
        package var segments: [String]
        /// Whether the pattern takes this path and no other.
        package var isWhole: Bool
        /// Whether a path may end right after the last segment though it is not the whole.
        package var mayEnd: Bool
    }

    package var literalStart: LiteralStart {
        var segments: [String] = []
        var isWhole = !takesRest
        for step in steps {
            // A web server takes an encoded slash for one that divides.
            guard let step, let text = Self.decoded(step) else {
                isWhole = false
                break
            }
            segments.append(text)
        }
        if case .regex = shape { return LiteralStart(segments: segments, isWhole: false, mayEnd: true) }
        return LiteralStart(segments: segments, isWhole: isWhole, mayEnd: false)
    }

    /// A literal without the two escapes that normalising leaves; `nil` when it holds a slash.
    private static func decoded(_ literal: [UInt8]) -> String? {
        let text = String(decoding: literal, as: UTF8.self)
        return text.contains("%2F") ? nil : text.replacing("%25", with: "%")
    }
}
