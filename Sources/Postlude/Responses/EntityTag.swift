/// A version of a representation (RFC 9110, 8.8.3).
struct EntityTag: Hashable, Sendable {
    let isWeak: Bool
    /// With its quotes.
    let opaque: Substring

    /// What a condition lists.
    enum List {
        case any
        case tags([EntityTag])

        /// - Parameter text: `*`, or tags and commas. What comes after a mistake is left out.
        init(_ text: String) {
            var rest = text[...]
            var tags: [EntityTag] = []
            if text.trimmingSpaces == "*" {
                self = .any
                return
            }
            while true {
                rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
                guard let tag = EntityTag(takingFrom: &rest) else { break }
                tags.append(tag)
            }
            self = .tags(tags)
        }

        /// Whether a tag of the list is `tag`, weak or not; for If-None-Match.
        func matchesWeakly(_ tag: EntityTag?) -> Bool {
            switch self {
            case .any: true
            case .tags(let tags): tags.contains { $0.opaque == tag?.opaque }
            }
        }

        /// Whether a tag of the list is `tag`, and neither is weak; for If-Match.
        func matchesStrongly(_ tag: EntityTag?) -> Bool {
            switch self {
            case .any: true
            case .tags(let tags): tags.contains { !$0.isWeak && $0 == tag }
            }
        }
    }

    /// - Returns: nil if it is not a tag, or if there are several.
    init?(_ text: String) {
        var rest = text.trimmingSpaces
        self.init(takingFrom: &rest)
        guard rest.isEmpty else { return nil }
    }

    private init?(takingFrom text: inout Substring) {
        var rest = text
        let isWeak = rest.hasPrefix("W/")
        if isWeak { rest = rest.dropFirst(2) }
        guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
        self.isWeak = isWeak
        opaque = rest[...end]
        text = rest[rest.index(after: end)...]
    }
}

extension String {
    var trimmingSpaces: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let last = lastIndex(where: { !isSpace($0) }) else { return "" }
        return self[...last].drop(while: isSpace)
    }
}
