/// A route's pattern, parsed and checked: `/process/{item_id:int}`, or a whole PCRE2 pattern.
///
/// `{name}` matches one segment that is not empty; `{name:int}`, `{name:slug}` and `{name:uuid}` match less;
/// `{name:path}` matches the rest of the path, which may be empty, and must be at the end. Other text after the colon
/// is a PCRE2 expression for a segment, or a part of one. Literals are normalised as paths are.
package struct RoutePattern: Sendable, Hashable, CustomStringConvertible {
    enum Shape: Sendable, Hashable {
        case segments([Segment])
        /// `literals` are the whole segments with which every match begins, without the mount prefix.
        case regex(literals: [[UInt8]], captures: [Capture])
    }

    /// A parameter's name, and the number of the group that captures its value.
    struct Capture: Sendable, Hashable {
        let name: String
        let group: Int
    }

    /// The pattern as written. `prefixed(by:)` adds the prefix, unless the pattern is a raw expression.
    package let text: String
    /// The literal segments that `prefixed(by:)` has put before a raw expression, which is not matched against them.
    let mount: [[UInt8]]
    let shape: Shape

    package init(_ text: String) throws(SyntaxError) {
        var parser = PatternParser(text)
        shape = .segments(try parser.parse())
        self.text = text
        mount = []
    }

    /// Makes a pattern of a PCRE2 expression for the whole path, whose named groups are the parameters.
    ///
    /// It is matched against the whole path, as if between `^` and `$`, and `.` matches every character.
    package init(regex: String) throws(SyntaxError) {
        shape = try RawExpression.shape(of: regex)
        text = regex
        mount = []
    }

    private init(text: String, mount: [[UInt8]], shape: Shape) {
        self.text = text
        self.mount = mount
        self.shape = shape
    }

    package var parameterNames: [String] { captures.map(\.name) }

    /// The text, preceded by the mount prefix if it is a raw expression.
    package var description: String {
        mount.isEmpty ? text : mount.map { "/" + String(decoding: $0, as: UTF8.self) }.joined() + " " + text
    }

    /// The parameters in the order of their groups.
    var captures: [Capture] {
        switch shape {
        case .segments(let segments):
            segments.flatMap(\.parameterNames).enumerated().map { Capture(name: $1, group: $0 + 1) }
        case .regex(_, let captures):
            captures
        }
    }
}

extension RoutePattern {
    /// An error in a pattern's text.
    package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
        /// The position of the error, in characters of the text, from 0.
        package let offset: Int
        /// What was found and what was expected.
        package let message: String

        package init(offset: Int, message: String) {
            self.offset = offset
            self.message = message
        }

        package var description: String { "at character \(offset): \(message)" }
    }
}

extension RoutePattern.SyntaxError {
    /// - Parameter scalarOffset: the position in Unicode scalars, which the parser uses.
    init(in text: [Unicode.Scalar], at scalarOffset: Int, _ message: String) {
        var before = String.UnicodeScalarView()
        before.append(contentsOf: text.prefix(scalarOffset))
        self.init(offset: String(before).count, message: message)
    }
}

extension RoutePattern {
    /// Returns the pattern with a mount prefix such as `/api`, which must contain only literals.
    ///
    /// A raw expression is then matched against what follows the prefix.
    ///
    /// - Throws: an error in the prefix; the offset counts its characters.
    package func prefixed(by mountPrefix: String) throws(SyntaxError) -> RoutePattern {
        if mountPrefix.isEmpty { return self }
        guard case .segments(var prefix) = try RoutePattern(mountPrefix).shape else { return self }
        if let parameter = mountPrefix.firstIndex(of: "{") {
            throw SyntaxError(
                offset: mountPrefix.distance(from: mountPrefix.startIndex, to: parameter),
                message: "found a parameter in the prefix; expected literals only")
        }
        // `/api/` and `/api` are one prefix, and `/` is none.
        let hasTrailingSlash = prefix.last?.pieces.isEmpty == true
        if hasTrailingSlash { prefix.removeLast() }
        if prefix.isEmpty { return self }
        switch shape {
        case .segments(let segments):
            var trimmed = mountPrefix[...]
            while trimmed.last == "/" { trimmed.removeLast() }
            return RoutePattern(text: trimmed + text, mount: [], shape: .segments(prefix + segments))
        case .regex:
            return RoutePattern(text: text, mount: prefix.compactMap(\.literal) + mount, shape: shape)
        }
    }
}

/// The properties that the index and the compiler use.
extension RoutePattern {
    /// The PCRE2 expression for the whole path, after the index has compared the literal segments.
    ///
    /// Literal segments are written as `[^/]++`, so that routes that differ only in literals share compiled code. Every
    /// expression except that of `{name:path}` stays within its segment: those of the built-in types do not match a
    /// slash. An application's own expression could, but the index offers only paths with as many slashes as the
    /// pattern, and the pattern's own slashes need all of them.
    var expression: String {
        switch shape {
        case .segments(let segments): segments.map { "/" + $0.expression }.joined()
        case .regex: text
        }
    }

    /// Whether the pattern is compiled alone, as a raw expression is: in an alternation its groups would get new
    /// numbers, and its names may differ.
    var standsAlone: Bool {
        guard case .regex = shape else { return false }
        return true
    }

    /// The path to the route's node in the index: for each segment its literal, or nil if it has a parameter.
    var steps: [[UInt8]?] {
        switch shape {
        case .segments(let segments): (takesRest ? segments.dropLast() : segments[...]).map(\.literal)
        case .regex(let literals, _): mount + literals
        }
    }

    /// Whether the path may continue after the steps.
    var takesRest: Bool {
        switch shape {
        case .segments(let segments): segments.last?.takesRest == true
        case .regex: true
        }
    }

    /// The length in bytes of the mount prefix, which a raw expression is not matched against.
    var mountLength: Int {
        mount.reduce(0) { $0 + 1 + $1.count }
    }
}

extension Segment {
    fileprivate var expression: String {
        if let literal { return literal.isEmpty ? "" : "[^/]++" }
        return pieces.map { piece in
            switch piece {
            case .literal(let bytes):
                Self.escaped(bytes)
            case .parameter(_, let type):
                "(\(type.expression(isAlone: pieces.count == 1)))"
            }
        }.joined()
    }

    /// Escapes every ASCII character that is neither a letter nor a digit with a backslash, which makes it literal.
    private static func escaped(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
                break
            default:
                output.append(UInt8(ascii: "\\"))
            }
            output.append(byte)
        }
        return String(decoding: output, as: UTF8.self)
    }
}
