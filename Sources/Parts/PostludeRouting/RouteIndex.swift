/// A tree over segments: which routes can match a path at all.
///
/// A node has a child for each literal segment and one for every segment with a parameter. All literal
/// children stand in one hash table, keyed by parent and segment: a step costs the same among ten routes and
/// among ten thousand. With that many, time goes into fetching what a step reads from memory. So that is
/// little and stands together: a node is right in the table, and two of them are one line of the cache.
// @unchecked because a pointer is not Sendable: nothing writes to the nodes after `init`.
final class RouteIndex: @unchecked Sendable {
    /// The table, two places a line, and after it the nodes that are not literal children.
    private let nodes: UnsafeMutableBufferPointer<Node>
    private let lineCount: Int
    /// The segments that are longer than a key, each with a slash before and after it.
    private let texts: [UInt8]
    /// The nodes where walks begin, in the order in which they were given.
    let roots: [Int32]

    private static let lineSize = 64

    /// - Parameters:
    ///   - nodes: in any order that has children after their parents, by numbers that the index replaces
    ///   - isUsed: false for each node that is to be left out
    ///   - children: each literal child; no parent has two for the same segment
    init(
        nodes old: [Node], isUsed: [Bool], roots: [Int32],
        children: [(parent: Int32, segment: [UInt8], child: Int32)]
    ) {
        // At most three quarters full: few lines are passed, and the table stays small.
        lineCount = children.count * 2 / 3 + 1
        let literals = Set(children.map(\.child))
        let others = old.indices.filter { isUsed[$0] && !literals.contains(Int32($0)) }
        let count = lineCount * 2 + others.count
        nodes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: count * MemoryLayout<Node>.stride, alignment: Self.lineSize
        ).bindMemory(to: Node.self)
        nodes.initialize(repeating: Node())

        var numbers = [Int32](repeating: 0, count: old.count)
        for (number, other) in zip((lineCount * 2)..., others) {
            nodes[number] = old[other]
            numbers[other] = Int32(number)
        }
        var texts = [UInt8(ascii: "/")]
        for (parent, segment, child) in children.sorted(by: { $0.child < $1.child }) {
            var node = old[Int(child)]
            var end = 0
            node.key = segment.withUnsafeBufferPointer { SegmentKey(in: $0, from: 0, end: &end) }
            node.parent = numbers[Int(parent)]
            let place = Self.freePlace(for: node, in: nodes, lineCount)
            if node.key.isPartial {
                node.key.textOffset = texts.count
                texts += segment + [UInt8(ascii: "/")]
            }
            nodes[place] = node
            numbers[Int(child)] = Int32(place)
        }
        for number in nodes.indices {
            nodes[number].parameterChild = numbers[Int(nodes[number].parameterChild)]
        }
        self.texts = texts
        self.roots = roots.map { numbers[Int($0)] }
    }

    deinit {
        nodes.deallocate()
    }

    subscript(number: Int32) -> Node {
        nodes[Int(number)]
    }

    /// The child for a segment of the path.
    ///
    /// The hash needs no secret: the manifest fills the table, and a request can only look into it, which
    /// takes at most as many steps as the longest run of lines that the manifest has filled.
    func literalChild(
        of parent: Int32, _ key: SegmentKey, in path: UnsafeBufferPointer<UInt8>, _ segment: Range<Int>
    ) -> Int32? {
        var place = Self.firstPlace(for: key, below: parent, lineCount)
        while true {
            if isChild(place, of: parent, key, path, segment) { return Int32(place) }
            if isChild(place + 1, of: parent, key, path, segment) { return Int32(place + 1) }
            guard nodes[place].isLinePassed else { return nil }
            place = place + 2 < lineCount * 2 ? place + 2 : 0
        }
    }

    private func isChild(
        _ place: Int, of parent: Int32, _ key: SegmentKey, _ path: UnsafeBufferPointer<UInt8>,
        _ segment: Range<Int>
    ) -> Bool {
        let node = nodes[place]
        guard node.key.first == key.first, node.parent == parent else { return false }
        guard key.isPartial, node.key.isPartial else { return node.key == key }
        let end = node.key.textOffset + segment.count
        return end < texts.count && texts[end] == UInt8(ascii: "/")
            && texts[node.key.textOffset..<end].elementsEqual(path[segment])
    }

    private static func firstPlace(for key: SegmentKey, below parent: Int32, _ lineCount: Int) -> Int {
        Int(key.hash(below: parent).multipliedFullWidth(by: UInt64(lineCount)).high) * 2
    }

    private static func freePlace(
        for node: Node, in nodes: UnsafeMutableBufferPointer<Node>, _ lineCount: Int
    ) -> Int {
        var place = firstPlace(for: node.key, below: node.parent, lineCount)
        while nodes[place].parent >= 0, nodes[place + 1].parent >= 0 {
            nodes[place].isLinePassed = true
            place = place + 2 < lineCount * 2 ? place + 2 : 0
        }
        return nodes[place].parent < 0 ? place : place + 1
    }
}
