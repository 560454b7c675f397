internal import Yams

/// Takes values of the expected kind out of nodes and reports every other one.
struct NodeReader {
    let source: SourceText
    let diagnostics: DiagnosticCollector
    let renamedKeys: [SourcePosition: String]
    /// What became of the scalars that name variables.
    let replacements: [SourcePosition: EnvironmentReplacer.Outcome]

    func position(of node: Node) -> SourcePosition? {
        node.mark.map(SourcePosition.init)
    }

    /// The mapping's values, if the node is a mapping.
    ///
    /// - Parameter scalar: what may stand there instead; the caller takes it.
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
        return MappingReader(mapping, position: position(of: node), reader: self)
    }

    /// The list's items, if the node is a list of at least one.
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
        return Array(sequence)
    }

    /// The values of a list's items. An item that `read` refuses is left out; so is one that stands twice, which is reported.
    ///
    /// - Parameters:
    ///   - repeated: names a value that stands twice, and the place: `the tag a stands twice in this route`.
    ///   - read: returns an item's value, or reports what is wrong with it.
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

    /// The value that the node's text names.
    func choice<Value: RawRepresentable<String> & CaseIterable>(_ node: Node, for name: String) -> Value? {
        let names = alternatives(Value.allCases.map(\.rawValue))
        guard let text = text(node, for: name, expected: names) else { return nil }
        let value = Value(rawValue: text.string)
        if value == nil { reportMismatch(node, for: name, expected: names) }
        return value
    }

    /// The node's scalar, if it is text.
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
        // YAML 1.1 and 1.2 disagree about 010.
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

    /// A scalar that only unquoted text can be.
    private func scalar(
        _ node: Node, of kind: ScalarKind, for name: String, expected: String
    ) -> Node.Scalar? {
        guard let scalar = node.scalar, ScalarKind(scalar) == kind else {
            let isQuotedOne = node.scalar.map { $0.isQuoted && ScalarKind(plain: $0.string) == kind } ?? false
            // Who had to quote a variable inside of braces must know how to do without.
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

    /// The node's scalar as it is written, if it is text or a number.
    func scalarText(_ node: Node, for name: String, expected: String) -> String? {
        guard let scalar = node.scalar, ScalarKind(scalar) != .null else {
            reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return isUntagged(node) ? scalar.string : nil
    }
}
