internal import PostludePCRE

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
