/// A matched route's parameters: names as in its pattern, values percent-decoded.
package struct RouteParameters: Sendable, Hashable, Sequence {
    package struct Element: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    private var elements: [Element] = []

    package init() {}

    init(capacity: Int) {
        elements.reserveCapacity(capacity)
    }

    mutating func append(name: String, value: String) {
        elements.append(Element(name: name, value: value))
    }

    package var count: Int { elements.count }
    package var isEmpty: Bool { elements.isEmpty }

    /// nil when the route has no such parameter, or its group took no part in the match.
    package subscript(name: String) -> String? {
        elements.first { $0.name == name }?.value
    }

    package func makeIterator() -> IndexingIterator<[Element]> {
        elements.makeIterator()
    }
}
