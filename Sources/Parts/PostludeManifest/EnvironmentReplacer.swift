/// Replaces references to environment variables in a manifest's tree, before the types of its values are determined.
///
/// The tree is changed, not the text, so that a value remains one value, whatever the variable contains. Keys are not
/// changed.
struct EnvironmentReplacer {
    /// The result for one scalar.
    enum Outcome {
        case replaced([EnvironmentText.Origin])
        /// The mistake has been reported. No further one is reported for this value.
        case failed
    }

    /// The results by the scalars' positions, for the scalars that refer to variables.
    private(set) var outcomes: [SourcePosition: Outcome] = [:]
    private let environment: [String: String]
    private let diagnostics: DiagnosticCollector
    /// The number of bytes that replaced values may still have. A small file can refer to a large value many times.
    private var budget = ManifestBounds.fileSize

    init(environment: [String: String], reportingTo diagnostics: DiagnosticCollector) {
        self.environment = environment
        self.diagnostics = diagnostics
    }

    mutating func replace(in node: Node) -> Node {
        var node = node
        switch node.content {
        case .scalar(let scalar):
            node.content = .scalar(replace(in: scalar, at: node.position))
        case .sequence(let items):
            node.content = .sequence(items.map { replace(in: $0) })
        case .mapping(let pairs):
            node.content = .mapping(pairs.map { ($0.key, replace(in: $0.value)) })
        }
        return node
    }

    private mutating func replace(in scalar: Node.Scalar, at position: SourcePosition) -> Node.Scalar {
        var scalar = scalar
        do throws(EnvironmentText.Mistake) {
            guard let expansion = try EnvironmentText.expand(scalar.string, from: environment) else {
                return scalar
            }
            try spend(expansion.text.utf8.count)
            scalar.string = expansion.text
            if !expansion.origins.isEmpty { outcomes[position] = .replaced(expansion.origins) }
        } catch {
            diagnostics.add(error.message, at: position)
            outcomes[position] = .failed
        }
        return scalar
    }

    private mutating func spend(_ count: Int) throws(EnvironmentText.Mistake) {
        guard count <= budget else {
            let bound = ByteCountText.text(of: ManifestBounds.fileSize)
            throw EnvironmentText.Mistake(
                message: "the values with variables are larger than \(bound) together, expected smaller ones")
        }
        budget -= count
    }
}
