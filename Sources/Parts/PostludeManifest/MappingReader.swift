internal import PostludeRouting
internal import Yams

/// The values of one mapping by their keys; keys that it does not accept have been reported.
struct MappingReader<Key: ManifestKey> {
    /// Where the mapping begins.
    let position: SourcePosition?
    private var values: [Key: Node] = [:]
    private var keyPositions: [Key: SourcePosition] = [:]

    init(_ mapping: Node.Mapping, position: SourcePosition?, reader: NodeReader) {
        self.position = position
        let known = alternatives(Key.allCases.map(\.rawValue))
        for entry in reader.entries(of: mapping, in: Key.mapping, each: known) {
            guard let key = Key(rawValue: entry.name) else {
                reader.report(Self.unknown(entry.name), at: entry.key)
                continue
            }
            values[key] = entry.value
            keyPositions[key] = reader.position(of: entry.key)
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
