internal import PostludeManifest

/// A line in the form that the manifest gives, with nginx's escapes.
enum AccessText {
    static func line(_ format: AccessLogFormat, _ values: AccessValues) -> [UInt8] {
        var line: [UInt8] = []
        for piece in format.pieces {
            switch piece {
            case .text(let text): line += text.utf8
            case .variable(let variable): append(values.value(variable), to: &line)
            case .header(let name): append(values.parameter(named: name), to: &line)
            }
        }
        return line
    }

    private static func append(_ value: AccessValues.Value, to line: inout [UInt8]) {
        switch value {
        case .absent: line.append(UInt8(ascii: "-"))
        case .number(let digits): line += digits.utf8
        case .text(let text): for byte in text.utf8 { append(byte, to: &line) }
        case .bytes(let bytes): for byte in bytes { append(byte, to: &line) }
        }
    }

    /// Control characters, quotes, backslashes and whatever is not ASCII: no client can write a line, or a field.
    private static func append(_ byte: UInt8, to line: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0..<0x20, 0x7f...:
            line += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digit(byte >> 4), digit(byte & 15)]
        default: line.append(byte)
        }
    }

    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") - 10 + value
    }
}
