/// What comes in first goes out first, at constant cost however long the line is.
struct FIFO<Element> {
    private var incoming: [Element] = []
    /// The older half, the oldest one last.
    private var outgoing: [Element] = []

    var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }

    var count: Int { incoming.count + outgoing.count }

    /// In order, the oldest one first.
    var elements: [Element] { outgoing.reversed() + incoming }

    init(_ elements: [Element] = []) { incoming = elements }

    mutating func append(_ element: Element) { incoming.append(element) }

    mutating func popFirst() -> Element? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming.removeAll()
        }
        return outgoing.popLast()
    }
}

extension FIFO: Sendable where Element: Sendable {}
