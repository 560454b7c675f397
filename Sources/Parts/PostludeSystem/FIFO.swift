/// What comes in first goes out first, at constant cost however long the line is.
///
/// Public for the reason that `Lock` is: only so can it be inlined into other modules.
public struct FIFO<Element> {
    @usableFromInline var incoming: [Element] = []
    /// The older half, the oldest one last.
    @usableFromInline var outgoing: [Element] = []

    @inlinable public var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }

    @inlinable public var count: Int { incoming.count + outgoing.count }

    /// The oldest one.
    @inlinable public var first: Element? { outgoing.last ?? incoming.first }

    /// In order, the oldest one first.
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
