/// A route's pattern, parsed and checked: `/process/{item_id:int}`, or a whole PCRE2 pattern.
///
/// `{name}` takes one segment that is not empty; `{name:int}`, `{name:slug}` and `{name:uuid}` take less;
/// `{name:path}` takes the rest, also none, and stands at the end; anything else after the colon is a
/// PCRE2 expression for (a part of) one segment. Literals are normalised as paths are.
package struct RoutePattern: Sendable, Hashable, CustomStringConvertible {
    enum Shape: Sendable, Hashable {
        case segments([Segment])
        /// `literals` are the whole segments that every match begins with, the mount prefix not included.
        case regex(literals: [[UInt8]], captures: [Capture])
    }

    /// A parameter's name and the number of the group that holds its value.
    struct Capture: Sendable, Hashable {
        let name: String
        let group: Int
    }

    /// The pattern as written; with `prefixed(by:)`, the prefix stands before it unless it is a raw
    /// expression.
    package let text: String
    /// The literal segments that `prefixed(by:)` has put before a raw expression, which does not see them.
    let mount: [[UInt8]]
    let shape: Shape

    package init(_ text: String) throws(SyntaxError) {
        var parser = PatternParser(text)
        shape = .segments(try parser.parse())
        self.text = text
        mount = []
    }

    /// A whole PCRE2 pattern, whose named groups are the parameters.
    ///
    /// It is matched against the whole path, as if between `^` and `$`, and `.` takes every character.
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

    /// The text, and before a raw expression its mount prefix.
    package var description: String {
        mount.isEmpty ? text : mount.map { "/" + String(decoding: $0, as: UTF8.self) }.joined() + " " + text
    }

    /// In the order of their groups.
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
    /// A mistake in a pattern's text.
    package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
        /// Where it is, in characters of the text, from 0.
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
    /// - Parameter scalarOffset: in Unicode scalars, by which patterns are parsed
    init(in text: [Unicode.Scalar], at scalarOffset: Int, _ message: String) {
        var before = String.UnicodeScalarView()
        before.append(contentsOf: text.prefix(scalarOffset))
        self.init(offset: String(before).count, message: message)
    }
}

extension RoutePattern {
    /// The pattern after a mount prefix such as `/api`, which holds literals only.
    ///
    /// A raw expression is then matched against what follows the prefix.
    /// - Throws: a mistake in the prefix; the offset counts its characters.
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

/// What the index and the compiler take from a pattern.
extension RoutePattern {
    /// The PCRE2 expression for the whole path, once the index has compared the literal segments.
    ///
    /// They are written as `[^/]++`, so that routes which differ in literals alone share compiled code.
    /// Every expression but that of `{name:path}` keeps within its segment: those of the built-in types have
    /// no slash, and where an application's own might take one, the index offers only paths with as many
    /// slashes as the pattern, all of which the pattern's own slashes need.
    var expression: String {
        switch shape {
        case .segments(let segments): segments.map { "/" + $0.expression }.joined()
        case .regex: text
        }
    }

    /// A raw expression is compiled alone: an alternation's groups would get new numbers, and its names may
    /// differ.
    var standsAlone: Bool {
        guard case .regex = shape else { return false }
        return true
    }

    /// The way to the route's node in the index: a literal segment, or nil for one with a parameter.
    var steps: [[UInt8]?] {
        switch shape {
        case .segments(let segments): (takesRest ? segments.dropLast() : segments[...]).map(\.literal)
        case .regex(let literals, _): mount + literals
        }
    }

    /// Whether the path may go on after the steps.
    var takesRest: Bool {
        switch shape {
        case .segments(let segments): segments.last?.takesRest == true
        case .regex: true
        }
    }

    /// How many bytes of a path the mount prefix takes, which a raw expression does not see.
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

    /// A backslash makes every ASCII character literal that is neither a letter nor a digit.
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
