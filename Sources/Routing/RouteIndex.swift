/// A tree over segments: which routes can match a path at all.
///
/// A node has a child for each literal segment and one for every segment with a parameter. All literal
/// children stand in one hash table with open addressing, keyed by parent and segment: a step costs the same
/// among ten routes and among ten thousand. With that many, time goes into fetching what a step reads from
/// memory, so that is little and stands together: the 32 bytes of the child's node, right in the table.
struct RouteIndex: Sendable {
    struct Node: Sendable {
        /// The earliest route in this node and below it; -1 when it is that of the node above.
        var earliestRoute = Int32.max
        /// The number of its set of programs in the table's list.
        var programs: Int32 = 0
        /// The child for a segment with a parameter, twice, and 1 more when there are literal children.
        private var children: Int32 = 0
        /// -1 in a free place of the table, and for a node that is no literal child.
        fileprivate var parent: Int32 = -1
        fileprivate var key = SegmentKey()

        /// The child for a segment with a parameter; 0, which is no one's child, when there is none.
        var parameterChild: Int32 {
            get { children >> 1 }
            set { children = newValue << 1 | children & 1 }
        }

        var hasLiteralChildren: Bool {
            get { children & 1 != 0 }
            set { children = children & ~1 | (newValue ? 1 : 0) }
        }
    }

    /// The hash table, and behind it the nodes that are no literal children.
    private let nodes: [Node]
    private let mask: Int
    /// The segments that are longer than a key, by their nodes.
    private let longSegments: [Int32: [UInt8]]
    /// The nodes where walks begin, in the order in which they were given.
    let roots: [Int32]

    /// - Parameters:
    ///   - nodes: in any order that has children behind their parents, by numbers that the index replaces
    ///   - isUsed: false for each node that is to be left out
    ///   - children: each literal child; no parent has two for the same segment
    init(
        nodes old: [Node], isUsed: [Bool], roots: [Int32],
        children: [(parent: Int32, segment: [UInt8], child: Int32)]
    ) {
        var capacity = 8
        // At most two thirds full: a step looks at one place or two.
        while capacity * 2 < children.count * 3 { capacity *= 2 }
        let mask = capacity - 1
        var nodes = Array(repeating: Node(), count: capacity)
        var numbers = [Int32](repeating: 0, count: old.count)
        let literals = Set(children.map(\.child))
        for number in old.indices where isUsed[number] && !literals.contains(Int32(number)) {
            numbers[number] = Int32(nodes.count)
            nodes.append(old[number])
        }
        var longSegments: [Int32: [UInt8]] = [:]
        for (parent, segment, child) in children.sorted(by: { $0.child < $1.child }) {
            let key = segment.withUnsafeBufferPointer { SegmentKey($0) }
            var node = old[Int(child)]
            node.key = key
            node.parent = numbers[Int(parent)]
            var place = Int(truncatingIfNeeded: key.hash(below: node.parent)) & mask
            while nodes[place].parent >= 0 { place = (place + 1) & mask }
            nodes[place] = node
            numbers[Int(child)] = Int32(place)
            if key.isPartial { longSegments[Int32(place)] = segment }
        }
        for number in nodes.indices where nodes[number].parameterChild != 0 {
            nodes[number].parameterChild = numbers[Int(nodes[number].parameterChild)]
        }
        self.nodes = nodes
        self.mask = mask
        self.longSegments = longSegments
        self.roots = roots.map { numbers[Int($0)] }
    }

    subscript(number: Int32) -> Node {
        nodes[Int(number)]
    }

    /// The hash needs no secret: the manifest fills the table, and a request can only look into it, which
    /// takes at most as many steps as the longest run of places that the manifest has filled.
    func literalChild(of parent: Int32, _ segment: UnsafeBufferPointer<UInt8>) -> Int32? {
        let key = SegmentKey(segment)
        var place = Int(truncatingIfNeeded: key.hash(below: parent)) & mask
        while nodes[place].parent >= 0 {
            if nodes[place].key == key, nodes[place].parent == parent,
                !key.isPartial || longSegments[Int32(place)]?.elementsEqual(segment) == true
            {
                return Int32(place)
            }
            place = (place + 1) & mask
        }
        return nil
    }
}
