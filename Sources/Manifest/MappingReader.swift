internal import Routing
internal import Yams

/// The values of one mapping by their keys; keys that it does not accept have been reported.
struct MappingReader<Key: ManifestKey> {
    /// Where the mapping begins.
    let position: SourcePosition?
    private var values: [Key: Node] = [:]
    private var keyPositions: [Key: SourcePosition] = [:]

    init(_ mapping: Node.Mapping, position: SourcePosition?, reader: NodeReader) {
        self.position = position
        var lines: [String: Int] = [:]
        for (key, value) in mapping {
            guard let scalar = key.scalar, ScalarKind(scalar) == .text else {
                let known = alternatives(Key.allCases.map(\.rawValue))
                reader.report(
                    "found \(reader.describe(key)) as a key in \(Key.mapping), expected \(known)", at: key)
                continue
            }
            let keyPosition = reader.position(of: key)
            let name = keyPosition.flatMap { reader.renamedKeys[$0] } ?? scalar.string
            guard reader.isUntagged(key) else { continue }
            if let first = lines[name] {
                let message =
                    "the key \(quoted(name)) stands twice in \(Key.mapping); the first is in line \(first)"
                reader.report(message, at: key)
                continue
            }
            lines[name] = keyPosition?.line ?? 0
            guard let known = Key(rawValue: name) else {
                reader.report(Self.unknown(name), at: key)
                continue
            }
            values[known] = value
            keyPositions[known] = keyPosition
        }
    }

    subscript(key: Key) -> Node? { values[key] }

    /// Where a key stands; `nil` when it is not there.
    func position(of key: Key) -> SourcePosition? { keyPositions[key] }

    private static func unknown(_ name: String) -> String {
        let found = "unknown key \(quoted(name)) in \(Key.mapping)"
        if let advice = Key.advice(for: name) { return "\(found); \(advice)" }
        let known = Key.allCases.map(\.rawValue)
        let near = nearest(to: name, in: known).map { " (nearest: \($0))" } ?? ""
        return "\(found)\(near), expected \(alternatives(known))"
    }
}
