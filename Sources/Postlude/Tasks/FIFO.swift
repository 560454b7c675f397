/// What comes in first goes out first, at constant cost however long the line is.
struct FIFO<Element> {
    private var incoming: [Element] = []
    /// The older half, the oldest one last.
    private var outgoing: [Element] = []

    var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }

    /// In order, the oldest one first.
    var elements: [Element] { outgoing.reversed() + incoming }

    init(_ elements: [Element] = []) { incoming = elements }

    func allSatisfy(_ predicate: (Element) throws -> Bool) rethrows -> Bool {
        try outgoing.allSatisfy(predicate) && incoming.allSatisfy(predicate)
    }

    mutating func append(_ element: Element) { incoming.append(element) }

    mutating func popFirst() -> Element? {
        if outgoing.isEmpty {
            swap(&outgoing, &incoming)
            outgoing.reverse()
        }
        return outgoing.popLast()
    }
}

extension FIFO: Sendable where Element: Sendable {}
