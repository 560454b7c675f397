internal import Yams

extension NodeReader {
    /// What a mapping has under one key.
    struct Entry {
        let name: String
        let key: Node
        let value: Node
    }

    /// The entries of a mapping whose keys the file chooses.
    ///
    /// - Parameters:
    ///   - mapping: what it is, in a diagnostic.
    ///   - keys: what its keys must be.
    ///   - expected: what must stand at the node.
    func entries(_ node: Node, in mapping: String, each keys: String, expected: String) -> [Entry] {
        guard let content = node.mapping else {
            reportMismatch(node, for: mapping, expected: expected)
            return []
        }
        return isUntagged(node) ? entries(of: content, in: mapping, each: keys) : []
    }

    /// Those of which the key is text, and comes for the first time; the others are reported.
    func entries(of content: Node.Mapping, in mapping: String, each keys: String) -> [Entry] {
        var lines: [String: Int] = [:]
        return content.compactMap { key, value in
            let position = position(of: key)
            let renamed = position.flatMap { renamedKeys[$0] }
            let text = key.scalar.flatMap { ScalarKind($0) == .text ? $0.string : nil }
            guard let name = renamed ?? text else {
                report("found \(describe(key)) as a key in \(mapping), expected \(keys)", at: key)
                return nil
            }
            guard isUntagged(key) else { return nil }
            if let first = lines[name] {
                report(
                    "the key \(quoted(name)) stands twice in \(mapping); the first is in line \(first)",
                    at: key)
                return nil
            }
            lines[name] = position?.line ?? 0
            return Entry(name: name, key: key, value: value)
        }
    }
}
