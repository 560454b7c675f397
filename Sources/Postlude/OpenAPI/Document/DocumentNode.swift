/// A value of the document, like ``JSONValue``, except that the members of objects keep their order, for readers.
enum DocumentNode: Sendable, Hashable {
    struct Member: Sendable, Hashable {
        let name: String
        let value: DocumentNode
    }

    case value(JSONValue)
    case array([DocumentNode])
    case object([Member])

    /// Returns an object of the members that have a value.
    static func object(_ members: KeyValuePairs<String, DocumentNode?>) -> DocumentNode {
        .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
    }

    static func string(_ text: String) -> DocumentNode { .value(.string(text)) }

    /// Returns the node as JSON text (RFC 8259).
    ///
    /// - Parameter isPretty: whether members and elements are on separate lines, indented by two spaces.
    func text(isPretty: Bool) -> String {
        var text = ""
        write(to: &text, indent: isPretty ? 0 : nil)
        return text
    }

    private func write(to text: inout String, indent: Int?) {
        switch self {
        case .object(let members):
            Self.write(members, "{", "}", to: &text, indent: indent) { member, text, indent in
                Self.write(string: member.name, to: &text)
                text += indent == nil ? ":" : ": "
                member.value.write(to: &text, indent: indent)
            }
        case .array(let elements):
            Self.write(elements, "[", "]", to: &text, indent: indent) { $0.write(to: &$1, indent: $2) }
        case .value(.object(let members)):
            let sorted = members.sorted { Self.precedes($0.key, $1.key) }
            DocumentNode.object(sorted.map { Member(name: $0.key, value: .value($0.value)) })
                .write(to: &text, indent: indent)
        case .value(.array(let elements)):
            DocumentNode.array(elements.map(DocumentNode.value)).write(to: &text, indent: indent)
        case .value(.string(let string)): Self.write(string: string, to: &text)
        case .value(.integer(let number)): text += "\(number)"
        case .value(.number(let number)): text += number.isFinite ? "\(number)" : "null"
        case .value(.bool(let value)): text += value ? "true" : "false"
        case .value(.null): text += "null"
        }
    }

    private static func write<Item>(
        _ items: [Item], _ open: String, _ close: String, to text: inout String, indent: Int?,
        item write: (Item, inout String, Int?) -> Void
    ) {
        text += open
        for (number, item) in items.enumerated() {
            if number > 0 { text += "," }
            if let indent { text += "\n" + String(repeating: "  ", count: indent + 1) }
            write(item, &text, indent.map { $0 + 1 })
        }
        if let indent, !items.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
        text += close
    }

    private static func write(string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\0"..<" ", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// Whether a keyword of a schema is written before another one. The order is `type`, `format`, then the others
    /// alphabetically.
    private static func precedes(_ one: String, _ other: String) -> Bool {
        func rank(_ name: String) -> Int { name == "type" ? 0 : name == "format" ? 1 : 2 }
        return (rank(one), one) < (rank(other), other)
    }
}
