extension Manifest {
    /// A value without a fixed type, such as a schedule's arguments, which the application decodes. It can be written as JSON.
    package struct Value: Sendable, Hashable, CustomStringConvertible {
        package enum Content: Sendable, Hashable {
            case null
            case boolean(Bool)
            /// A number in JSON's notation.
            case number(String)
            case text(String)
            case list([Value])
            case mapping([Entry])
        }

        package struct Entry: Sendable, Hashable {
            package var key: String
            package var value: Value
        }

        /// A step of a path from a value to a value inside it.
        package enum Step: Sendable, Hashable {
            case key(String)
            case index(Int)
        }

        package var content: Content
        package var location: SourceLocation

        package init(_ content: Content, location: SourceLocation) {
            self.content = content
            self.location = location
        }

        /// The value at the end of a path. If the value does not have the whole path, the last value on it.
        package subscript(at path: some Collection<Step>) -> Value {
            guard let step = path.first else { return self }
            var next: Value?
            switch (content, step) {
            case (.mapping(let entries), .key(let key)): next = entries.first { $0.key == key }?.value
            case (.list(let items), .index(let index)):
                next = items.indices.contains(index) ? items[index] : nil
            default: break
            }
            return next?[at: path.dropFirst()] ?? self
        }

        /// The value as diagnostics name it.
        package var description: String {
            switch content {
            case .null: "nothing"
            case .boolean(let value): "the boolean \(value)"
            case .number(let text): "the number \(text.prefix(40))"
            case .text(let text): quoted(text)
            case .list: "a list"
            case .mapping: "a mapping"
            }
        }

        /// The value as JSON text.
        package var json: String {
            switch content {
            case .null: "null"
            case .boolean(let value): "\(value)"
            case .number(let text): text
            case .text(let text): Self.json(text)
            case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
            case .mapping(let entries):
                "{" + entries.map { Self.json($0.key) + ":" + $0.value.json }.joined(separator: ",") + "}"
            }
        }

        private static func json(_ text: String) -> String {
            var json = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"", "\\": json += "\\\(scalar)"
                case ..<" ":
                    let digits = String(scalar.value, radix: 16)
                    json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                default: json.unicodeScalars.append(scalar)
                }
            }
            return json + "\""
        }
    }
}
