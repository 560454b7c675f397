internal import PostludeJSON

/// The value of a message's header, which both AMQP tables and JSON objects can represent.
package indirect enum HeaderValue: Hashable, Sendable {
    /// A named value. Tables preserve the order of their members.
    package struct Member: Hashable, Sendable {
        package let name: String
        package let value: HeaderValue

        package init(_ name: String, _ value: HeaderValue) {
            self.name = name
            self.value = value
        }
    }

    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([HeaderValue])
    case table([Member])

    /// The largest depth of nested lists and tables, in messages that are sent and received.
    static let maximumDepth = 16

    /// The number of nested levels of lists and tables.
    var depth: Int {
        switch self {
        case .list(let values): 1 + (values.map(\.depth).max() ?? 0)
        case .table(let members): 1 + (members.map(\.value.depth).max() ?? 0)
        default: 0
        }
    }

    package var text: String? { if case .text(let text) = self { text } else { nil } }

    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .text: "a text"
        case .list: "a list"
        case .table: "a table"
        }
    }

    /// Returns `nil` if the value is nested too deeply, or contains a number that is neither a 64-bit integer nor a finite
    /// double.
    init?(_ json: PythonJSONValue, depth: Int = 0) {
        guard depth <= Self.maximumDepth else { return nil }
        switch json.content {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .string(let value): self = .text(value)
        case .number(let text):
            if let integer = Int64(text) {
                self = .integer(integer)
            } else if let number = Double(text), number.isFinite {
                self = .number(number)
            } else {
                return nil
            }
        case .array(let elements):
            var values: [HeaderValue] = []
            for element in elements {
                guard let value = HeaderValue(element, depth: depth + 1) else { return nil }
                values.append(value)
            }
            self = .list(values)
        case .object(let object):
            var members: [Member] = []
            for (name, element) in object {
                guard let value = HeaderValue(element, depth: depth + 1) else { return nil }
                members.append(Member(name, value))
            }
            self = .table(members)
        }
    }
}

extension HeaderValue {
    /// Appends the value as JSON.
    fileprivate func writeJSON(to output: inout [UInt8]) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value): output += "\(value)".utf8
        // Infinity and NaN result in text that is not JSON, which the check refuses.
        case .number(let value): output += "\(value)".utf8
        case .text(let value): JSONString.write(value, to: &output, escapes: .numbers)
        case .list(let values):
            output.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                value.writeJSON(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .table(let members): members.writeJSON(to: &output)
        }
    }
}

extension [HeaderValue.Member] {
    /// The first value of that name.
    package subscript(name: String) -> HeaderValue? { first { $0.name == name }?.value }

    /// Appends the table as a JSON object.
    func writeJSON(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        for (index, member) in enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONString.write(member.name, to: &output, escapes: .numbers)
            output.append(UInt8(ascii: ":"))
            member.value.writeJSON(to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }
}
