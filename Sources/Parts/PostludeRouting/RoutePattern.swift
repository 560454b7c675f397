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

    init(text: String, mount: [[UInt8]], shape: Shape) {
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
