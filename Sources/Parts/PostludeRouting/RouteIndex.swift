/// A tree over path segments, which finds the routes that can match a path.
///
/// A node has a child for each literal segment, and one for every segment with a parameter. All literal children are in
/// one hash table, with parent and segment as the key: a step costs the same among ten routes and among ten thousand.
/// With ten thousand routes, a step spends most of its time on cache misses. Nodes are therefore small and stored in the
/// table itself: two of them fill a cache line.
// @unchecked because a pointer is not Sendable: the nodes are not written after `init`.
final class RouteIndex: @unchecked Sendable {
    /// The table, two places to a line, followed by the nodes that are not literal children.
    private let nodes: UnsafeMutableBufferPointer<Node>
    private let lineCount: Int
    /// The segments that are longer than a key, each between two slashes.
    private let texts: [UInt8]
    /// The nodes where walks begin, in the order given to `init`.
    let roots: [Int32]

    private static let lineSize = 64

    /// - Parameters:
    ///   - nodes: the nodes, each parent before its children. The index gives them new numbers.
    ///   - isUsed: false for each node that is left out.
    ///   - roots: the numbers of the nodes where walks begin.
    ///   - children: each literal child; a parent has at most one for a segment.
    init(
        nodes old: [Node], isUsed: [Bool], roots: [Int32],
        children: [(parent: Int32, segment: [UInt8], child: Int32)]
    ) {
        // The table is at most three quarters full, so that a lookup passes few lines, and the table stays small.
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

    /// Returns the child for a segment of the path; nil if there is none.
    ///
    /// The hash needs no secret: the manifest fills the table, and a request only looks up in it. A lookup takes at
    /// most as many steps as the longest run of full lines.
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

extension RouteIndex {
    /// The data that a step of a walk reads, in 32 bytes: half a cache line.
    struct Node: Sendable {
        var key = SegmentKey()
        /// The number of the parent; -1 in a free place of the table, and for a node that is not a literal child.
        var parent: Int32 = -1
        /// The earliest route in this node and below it; -1 if it is the same as in the parent.
        var earliestRoute = Int32.max
        /// The number of the node's set of programs in the table's list; -1 if it has none.
        var programs: Int32 = -1
        /// The child for a segment with a parameter, times four, and two flags.
        private var children: Int32 = 0

        /// The child for a segment with a parameter; 0, which is never a child, if there is none.
        var parameterChild: Int32 {
            get { children >> 2 }
            set { children = newValue << 2 | children & 3 }
        }

        var hasLiteralChildren: Bool {
            get { children & 1 != 0 }
            set { children = children & ~1 | (newValue ? 1 : 0) }
        }

        /// In the first node of a line: whether other nodes have found the line full, and are stored after it.
        var isLinePassed: Bool {
            get { children & 2 != 0 }
            set { children = children & ~2 | (newValue ? 2 : 0) }
        }
    }
}

/// A literal segment in 16 bytes: the segment itself, or a hash if it is longer.
///
/// Relies on two guarantees of `RoutePath`: no segment contains a null, or the byte 0xFF, which UTF-8 never has.
struct SegmentKey: Sendable, Equatable {
    private(set) var first: UInt64 = 0
    private var second: UInt64 = 0

    init() {}

    /// Reads the segment that begins at `start` and ends before a slash or with the path, and sets `end` to its end.
    ///
    /// Reads eight bytes at a time: a loop over bytes would cost as much as the rest of a step.
    init(in path: UnsafeBufferPointer<UInt8>, from start: Int, end: inout Int) {
        let bytes = UnsafeRawBufferPointer(path)
        end = start
        first = Self.takeWord(of: bytes, at: &end)
        guard end == start + 8 else { return }
        second = Self.takeWord(of: bytes, at: &end)
        guard end == start + 16, end < bytes.count, bytes[end] != UInt8(ascii: "/") else { return }
        first = Self.product(first, second)
        second = Self.partial
        var next = end
        repeat {
            end = next
            first = Self.product(first, Self.takeWord(of: bytes, at: &next))
        } while next == end + 8
        end = next
    }

    /// Whether other segments may have the same key.
    var isPartial: Bool { second >= Self.partial }

    /// The offset of a partial key's segment in the index's texts; 0 in a key that was read from a path.
    var textOffset: Int {
        get { Int(second & ~Self.partial) }
        set { second = Self.partial | UInt64(newValue) }
    }

    func hash(below parent: Int32) -> UInt64 {
        let below = UInt64(UInt32(bitPattern: parent)) &* 0x9E37_79B9_7F4A_7C15
        return Self.product(first ^ below, isPartial ? Self.partial : second)
    }

    private static let partial: UInt64 = 0xFF << 56

    /// Reads the bytes from a position to the next slash, but at most eight, padded with zeros, and moves the position
    /// to the end of what was read.
    private static func takeWord(of bytes: UnsafeRawBufferPointer, at position: inout Int) -> UInt64 {
        let count = bytes.count - position
        var word: UInt64 = 0
        if count >= 8 {
            word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        } else if bytes.count >= 8 {
            // The path's last eight bytes, without those before the position.
            word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
            word >>= UInt64(64 - 8 * count)
        } else {
            for byte in bytes[position...].reversed() { word = word << 8 | UInt64(byte) }
        }
        // The lowest bit that is set is the top bit of the first slash.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let difference = word ^ (ones &* UInt64(UInt8(ascii: "/")))
        let slashes = (difference &- ones) & ~difference & (ones << 7)
        guard slashes != 0 else {
            position += min(count, 8)
            return word
        }
        let length = slashes.trailingZeroBitCount / 8
        position += length
        return word & ((1 << UInt64(8 * length)) - 1)
    }

    private static func product(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let product = (first ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: second ^ 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}
