internal import PostludeRouting

/// Reads values of an expected type from nodes, and reports nodes of other types.
struct NodeReader {
    let diagnostics: DiagnosticCollector
    private let source: SourceText
    /// The results of the scalars that refer to variables.
    private let replacements: [SourcePosition: EnvironmentReplacer.Outcome]

    init(
        source: SourceText, diagnostics: DiagnosticCollector,
        replacements: [SourcePosition: EnvironmentReplacer.Outcome]
    ) {
        self.diagnostics = diagnostics
        self.source = source
        self.replacements = replacements
    }

    /// Returns the mapping's values, if the node is a mapping.
    ///
    /// - Parameter scalar: a description of the scalar that is valid instead of a mapping, and which the caller reads itself.
    func mapping<Key: ManifestKey>(
        _ node: Node, keys: Key.Type, name: String, or scalar: String? = nil
    ) -> MappingReader<Key>? {
        guard let mapping = node.mapping, isUntagged(node) else {
            let known = alternatives(Key.allCases.map(\.rawValue))
            if node.mapping == nil {
                let instead = scalar.map { "\($0), or " } ?? ""
                reportMismatch(node, for: name, expected: "\(instead)a mapping with the keys \(known)")
            }
            return nil
        }
        return MappingReader(mapping, position: node.position, reader: self)
    }

    /// Returns the list's items, if the node is a list that is not empty.
    func list(_ node: Node, for name: String, of items: String) -> [Node]? {
        guard let sequence = node.sequence else {
            reportMismatch(node, for: name, expected: "a list of \(items)")
            return nil
        }
        guard isUntagged(node) else { return nil }
        guard !sequence.isEmpty else {
            report("found an empty list for \(name), expected at least one of its \(items)", at: node)
            return nil
        }
        return sequence
    }

    /// Returns the values of a list's items. Omits items that `read` refuses, and repeated values, which are reported.
    ///
    /// - Parameters:
    ///   - repeated: returns the message about a repeated value, such as `the tag a appears twice in this route`.
    ///   - read: returns an item's value, or reports a mistake and returns `nil`.
    func distinct<Value: Equatable>(
        _ node: Node, for name: String, of items: String, repeated: (Value) -> String, read: (Node) -> Value?
    ) -> [Value] {
        var values: [Value] = []
        for item in list(node, for: name, of: items) ?? [] {
            guard let value = read(item) else { continue }
            if values.contains(value) {
                report(repeated(value), at: item)
            } else {
                values.append(value)
            }
        }
        return values
    }

    /// Returns the case of an enumeration whose raw value is the node's text.
    func choice<Value: RawRepresentable<String> & CaseIterable>(_ node: Node, for name: String) -> Value? {
        let names = alternatives(Value.allCases.map(\.rawValue))
        guard let text = text(node, for: name, expected: names) else { return nil }
        let value = Value(rawValue: text.string)
        if value == nil { reportMismatch(node, for: name, expected: names) }
        return value
    }

    /// Returns the node's scalar, if it is text.
    func text(_ node: Node, for name: String, expected: String) -> Node.Scalar? {
        guard let scalar = node.scalar, ScalarKind(scalar) != .null else {
            reportMismatch(node, for: name, expected: expected)
            return nil
        }
        guard isUntagged(node) else { return nil }
        guard ScalarKind(scalar) == .text else {
            let advice = "in quotes if it is meant as text"
            reportMismatch(node, for: name, expected: "\(expected), \(advice)")
            return nil
        }
        return scalar
    }

    func integer(_ node: Node, for name: String, in range: ClosedRange<Int>) -> Int? {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let scalar = scalar(node, of: .integer, for: name, expected: expected) else { return nil }
        // 010 is 8 in YAML 1.1 and 10 in YAML 1.2.
        let isPlain = !scalar.string.hasPrefix("0") || scalar.string == "0"
        guard isPlain, let value = Int(scalar.string), range.contains(value) else {
            reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return value
    }

    func number(_ node: Node, for name: String, in range: ClosedRange<Double>) -> Double? {
        let expected =
            "a number from \(NumberText.text(of: range.lowerBound)) to \(NumberText.text(of: range.upperBound))"
        guard let scalar = node.scalar, [.integer, .float].contains(ScalarKind(scalar)) else {
            _ = self.scalar(node, of: .float, for: name, expected: expected)
            return nil
        }
        guard isUntagged(node) else { return nil }
        guard NumberText.isJSON(scalar.string), let value = Double(scalar.string), range.contains(value)
        else {
            reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return value
    }

    func boolean(_ node: Node, for name: String) -> Bool? {
        scalar(node, of: .boolean, for: name, expected: "true or false").map {
            $0.string.lowercased() == "true"
        }
    }

    /// Returns the node's scalar, if it has a type that only plain scalars can have, such as a number.
    private func scalar(
        _ node: Node, of kind: ScalarKind, for name: String, expected: String
    ) -> Node.Scalar? {
        guard let scalar = node.scalar, ScalarKind(scalar) == kind else {
            let isQuotedOne = node.scalar.map { $0.isQuoted && ScalarKind(plain: $0.string) == kind } ?? false
            // Inside braces, a variable needs quotes, which make it text: the message shows the alternative.
            let advice = isQuotedOne && isReplaced(node) ? ", without quotes on a line of its own" : ""
            reportMismatch(node, for: name, expected: expected + advice)
            return nil
        }
        return isUntagged(node) ? scalar : nil
    }

    func duration(_ node: Node, for name: String, atLeast minimum: Duration) -> Duration? {
        guard let text = scalarText(node, for: name, expected: DurationText.expectation) else { return nil }
        do throws(ValueMistake) {
            let duration = try DurationText.parse(text)
            guard duration >= minimum else {
                throw ValueMistake(expected: "at least \(DurationText.text(of: minimum))")
            }
            return duration
        } catch {
            reportMismatch(node, for: name, expected: error.expected)
            return nil
        }
    }

    func byteCount(_ node: Node, for name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = scalarText(node, for: name, expected: ByteCountText.expectation) else { return nil }
        do throws(ValueMistake) {
            let count = try ByteCountText.parse(text)
            guard count >= range.lowerBound else {
                throw ValueMistake(expected: "at least \(ByteCountText.text(of: range.lowerBound))")
            }
            guard count <= range.upperBound else {
                throw ValueMistake(expected: "at most \(ByteCountText.text(of: range.upperBound))")
            }
            return count
        } catch {
            reportMismatch(node, for: name, expected: error.expected)
            return nil
        }
    }

    /// Returns the text of the node's scalar as it is written, whatever its type; reports null.
    func scalarText(_ node: Node, for name: String, expected: String) -> String? {
        guard let scalar = node.scalar, ScalarKind(scalar) != .null else {
            reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return isUntagged(node) ? scalar.string : nil
    }
}

/// Mappings with arbitrary keys.
extension NodeReader {
    /// A key of a mapping with its value.
    struct Entry {
        let name: String
        let key: Node
        let value: Node
    }

    /// Returns the entries of a mapping with arbitrary keys.
    ///
    /// - Parameters:
    ///   - mapping: the mapping's name in diagnostics.
    ///   - keys: a description of the expected keys.
    ///   - expected: a description of the expected value.
    func entries(_ node: Node, in mapping: String, each keys: String, expected: String) -> [Entry] {
        guard let content = node.mapping else {
            reportMismatch(node, for: mapping, expected: expected)
            return []
        }
        return isUntagged(node) ? entries(of: content, in: mapping, each: keys) : []
    }

    /// Returns the entries whose keys are text, the first one of each key. The others are reported.
    func entries(of content: Node.Mapping, in mapping: String, each keys: String) -> [Entry] {
        var lines: [String: Int] = [:]
        return content.compactMap { key, value in
            guard let scalar = key.scalar, ScalarKind(scalar) == .text else {
                report("found \(describe(key)) as a key in \(mapping), expected \(keys)", at: key)
                return nil
            }
            guard isUntagged(key) else { return nil }
            let name = scalar.string
            if name == "<<", scalar.style == .plain {
                report("unknown key `<<` in \(mapping); merge keys are not supported", at: key)
                return nil
            }
            if let first = lines[name] {
                report(
                    "the key \(quoted(name)) appears twice in \(mapping); the first is in line \(first)",
                    at: key)
                return nil
            }
            lines[name] = key.position.line
            return Entry(name: name, key: key, value: value)
        }
    }
}

/// Descriptions and tags of nodes.
extension NodeReader {
    /// Returns a description of the node for diagnostics.
    private func describe(_ node: Node) -> String {
        switch node.content {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .scalar(let scalar):
            switch ScalarKind(scalar) {
            case .null: return "nothing"
            case .boolean: return "the boolean \(scalar.string)"
            case .integer, .float: return "the number \(scalar.string.prefix(40))"
            case .text: return quoted(scalar.string)
            }
        }
    }

    /// Whether a node has no tag. Reports a tag such as `!!binary`: the type of a value follows from its key.
    func isUntagged(_ node: Node) -> Bool {
        guard let tag = node.tag else { return true }
        report("found the tag \(quoted(tag)), expected a value without a tag", at: node)
        return false
    }
}

/// Reporting of mistakes.
extension NodeReader {
    /// Reports a mistake in a node. If its value refers to variables, the message names them.
    ///
    /// - Parameter correction: the text that corrects the mistake; `nil` if it is not known.
    func report(_ message: String, at node: Node, correction: String? = nil) {
        report(message, at: node.position, of: node, correction: correction) {
            "the value comes from \($0)"
        }
    }

    /// Reports a mistake at a character of a scalar. If the scalar refers to variables, that character is not in the file, so
    /// the message shows the value instead.
    func report(_ message: String, at offset: Int, in node: Node, correction: String? = nil) {
        report(message, at: source.position(of: offset, in: node), of: node, correction: correction) {
            "the value \(quoted(node.scalar?.string ?? "")) comes from \($0)"
        }
    }

    /// Reports that a node is not what is expected.
    ///
    /// - Parameter name: the purpose of the value, such as a key in backticks.
    func reportMismatch(_ node: Node, for name: String, expected: String) {
        report("found \(describe(node)) for \(name), expected \(expected)", at: node)
    }

    /// Whether the node's value refers to variables.
    func isReplaced(_ node: Node) -> Bool {
        replacement(of: node) != nil
    }

    private func report(
        _ message: String, at place: SourcePosition, of node: Node, correction: String?,
        origin: (String) -> String
    ) {
        switch replacement(of: node) {
        case nil:
            diagnostics.add(message, at: place, fix: correction.flatMap { source.fix(node, by: $0) })
        case .failed: break
        case .replaced(let origins):
            let names = origins.map(\.description).joined(separator: " and ")
            diagnostics.add("\(message); \(origin(names))", at: node.position)
        }
    }

    private func replacement(of node: Node) -> EnvironmentReplacer.Outcome? {
        // Only scalars are looked up, because a list or a mapping can have the same position as its first scalar.
        node.scalar == nil ? nil : replacements[node.position]
    }
}

/// The values of a mapping by their keys. Keys that the mapping does not accept are reported when it is created.
struct MappingReader<Key: ManifestKey> {
    /// The position of the mapping.
    let position: SourcePosition
    private var values: [Key: Node] = [:]
    private var keyPositions: [Key: SourcePosition] = [:]

    init(_ mapping: Node.Mapping, position: SourcePosition, reader: NodeReader) {
        self.position = position
        let known = alternatives(Key.allCases.map(\.rawValue))
        let entries = reader.entries(of: mapping, in: Key.mapping, each: known)
        for entry in entries {
            guard let key = Key(rawValue: entry.name) else {
                reader.report(
                    Self.unknown(entry.name), at: entry.key,
                    correction: Self.correction(of: entry.name, besides: entries.map(\.name)))
                continue
            }
            values[key] = entry.value
            keyPositions[key] = entry.key.position
        }
    }

    subscript(key: Key) -> Node? { values[key] }

    /// Returns the position of a key; `nil` if the mapping does not have it.
    func position(of key: Key) -> SourcePosition? { keyPositions[key] }

    /// Returns the key that was certainly meant; `nil` if there is none, or the mapping has it, too.
    private static func correction(of name: String, besides names: [String]) -> String? {
        guard Key.advice(for: name) == nil,
            let key = misspelling(name, of: Key.allCases.map(\.rawValue)), !names.contains(key)
        else { return nil }
        return key
    }

    private static func unknown(_ name: String) -> String {
        let found = "unknown key \(quoted(name)) in \(Key.mapping)"
        if let advice = Key.advice(for: name) { return "\(found); \(advice)" }
        let known = Key.allCases.map(\.rawValue)
        let near = nearest(to: name, in: known).map { " (nearest: \($0))" } ?? ""
        return "\(found)\(near), expected \(alternatives(known))"
    }
}

/// The notation of numbers in the manifest, which is that of JSON.
enum NumberText {
    /// Whether a text is a number of RFC 8259, section 6. Other forms have different meanings in different versions of YAML.
    static func isJSON(_ text: String) -> Bool {
        var rest = Substring(text).utf8
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func takeDigits() -> Int {
            let digits = rest.prefix(while: isDigit)
            rest = rest.dropFirst(digits.count)
            return digits.count
        }
        func take(_ choices: String) -> Bool {
            guard let first = rest.first, choices.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = take("-")
        let hasZero = rest.first == UInt8(ascii: "0")
        let whole = takeDigits()
        guard whole > 0, !hasZero || whole == 1 else { return false }
        if take("."), takeDigits() == 0 { return false }
        if take("eE") {
            _ = take("+-")
            if takeDigits() == 0 { return false }
        }
        return rest.isEmpty
    }

    /// Returns the number as text, without a fraction if it is a whole number.
    static func text(of number: Double) -> String { Int(exactly: number).map { "\($0)" } ?? "\(number)" }
}

/// An invalid value. `NodeReader` adds the position and the value that was found.
struct ValueMistake: Error {
    let expected: String
}
