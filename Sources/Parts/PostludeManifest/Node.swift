/// A node of a manifest's tree: a scalar, a list or a mapping, and its position in the file.
struct Node {
    let position: SourcePosition
    /// The tag that the file gives the node, such as `tag:yaml.org,2002:binary` for `!!binary`; `nil` if it gives none.
    let tag: String?
    var content: Content

    enum Content {
        case scalar(Scalar)
        case sequence([Node])
        case mapping(Mapping)
    }

    /// The pairs of a mapping in the order of the file. A key can appear more than once.
    typealias Mapping = [(key: Node, value: Node)]

    struct Scalar {
        var string: String
        let style: Style

        var isQuoted: Bool { style == .singleQuoted || style == .doubleQuoted }
    }

    enum Style {
        case plain
        case singleQuoted
        case doubleQuoted
        /// A block scalar, after `|` or `>`.
        case block
    }

    var scalar: Scalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    var sequence: [Node]? {
        if case .sequence(let items) = content { items } else { nil }
    }

    var mapping: Mapping? {
        if case .mapping(let pairs) = content { pairs } else { nil }
    }
}
