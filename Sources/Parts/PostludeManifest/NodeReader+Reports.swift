internal import Yams

extension NodeReader {
    /// Reports a mistake in what stands at a node; of a value that names variables, also which.
    func report(_ message: String, at node: Node) {
        report(message, at: position(of: node), of: node) { "the value comes from \($0)" }
    }

    /// Reports a mistake at one of a scalar's characters. Where the scalar names variables, the file does not
    /// have that character: the value is shown instead.
    func report(_ message: String, at offset: Int, in scalar: Node.Scalar) {
        report(message, at: source.position(of: offset, in: scalar), of: .scalar(scalar)) {
            "the value \(quoted(scalar.string)) comes from \($0)"
        }
    }

    /// - Parameter name: what the value is for, such as a key in backticks.
    func reportMismatch(_ node: Node, for name: String, expected: String) {
        report("found \(describe(node)) for \(name), expected \(expected)", at: node)
    }

    /// Whether the node's value names variables.
    func isReplaced(_ node: Node) -> Bool {
        replacement(of: node) != nil
    }

    private func report(
        _ message: String, at place: SourcePosition?, of node: Node, origin: (String) -> String
    ) {
        switch replacement(of: node) {
        case nil: diagnostics.add(message, at: place)
        case .failed: break
        case .replaced(let origins):
            let names = origins.map(\.description).joined(separator: " and ")
            diagnostics.add("\(message); \(origin(names))", at: position(of: node))
        }
    }

    private func replacement(of node: Node) -> EnvironmentReplacer.Outcome? {
        // A list or a mapping can begin where its first scalar does.
        guard node.scalar != nil, let position = position(of: node) else { return nil }
        return replacements[position]
    }
}
