/// What comes in first goes out first, at constant cost however long the line is.
// Inlinable, so that other modules specialise it.
package struct FIFO<Element> {
    @usableFromInline package var incoming: [Element] = []
    /// The older half, the oldest one last.
    @usableFromInline package var outgoing: [Element] = []

    @inlinable package var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }

    /// The oldest one.
    @inlinable package var first: Element? { outgoing.last ?? incoming.first }

    /// In order, the oldest one first.
    @inlinable package var elements: [Element] { outgoing.reversed() + incoming }

    @inlinable package init(_ elements: [Element] = []) { incoming = elements }

    @inlinable package mutating func append(_ element: Element) { incoming.append(element) }

    @inlinable package mutating func popFirst() -> Element? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming.removeAll()
        }
        return outgoing.popLast()
    }
}

extension FIFO: Sendable where Element: Sendable {}
