/// A first-in-first-out queue; adding and removing an element take constant amortized time.
///
/// Public for the same reason as `Lock`: only public code can be inlined into other modules.
public struct FIFO<Element> {
    @usableFromInline var incoming: [Element] = []
    /// The older elements, the oldest one last.
    @usableFromInline var outgoing: [Element] = []

    @inlinable public var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }

    @inlinable public var count: Int { incoming.count + outgoing.count }

    /// The oldest element.
    @inlinable public var first: Element? { outgoing.last ?? incoming.first }

    /// The elements in order, the oldest one first.
    @inlinable public var elements: [Element] { outgoing.reversed() + incoming }

    @inlinable public init(_ elements: [Element] = []) { incoming = elements }

    @inlinable public func allSatisfy(_ predicate: (Element) throws -> Bool) rethrows -> Bool {
        try outgoing.allSatisfy(predicate) && incoming.allSatisfy(predicate)
    }

    @inlinable public mutating func append(_ element: Element) { incoming.append(element) }

    @inlinable public mutating func popFirst() -> Element? {
        if outgoing.isEmpty {
            swap(&outgoing, &incoming)
            outgoing.reverse()
        }
        return outgoing.popLast()
    }
}

extension FIFO: Sendable where Element: Sendable {}
