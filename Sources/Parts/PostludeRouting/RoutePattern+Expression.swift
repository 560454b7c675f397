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
