internal import Yams

extension NodeReader {
    /// What stands in the file, in a diagnostic's words.
    func describe(_ node: Node) -> String {
        switch node {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .alias: return "an alias"
        case .scalar(let scalar):
            switch ScalarKind(scalar) {
            case .null: return "nothing"
            case .boolean: return "the truth value \(scalar.string)"
            case .integer, .float: return "the number \(scalar.string.prefix(40))"
            case .text: return quoted(scalar.string)
            }
        }
    }

    /// Reports a tag such as `!!binary`: a value's kind follows from its key.
    func isUntagged(_ node: Node) -> Bool {
        let tag =
            switch node {
            case .scalar(let scalar): scalar.tag.rawValue
            case .mapping(let mapping): mapping.tag.rawValue
            case .sequence(let sequence): sequence.tag.rawValue
            case .alias: ""
            }
        // Yams resolves the tags of keys while it compares them.
        let defaults: [Tag.Name] = [.implicit, .nonSpecific, .str, .seq, .map]
        if defaults.contains(where: { $0.rawValue == tag }) { return true }
        report("found the tag \(quoted(tag)), expected a value without a tag", at: node)
        return false
    }
}
