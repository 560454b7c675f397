/// A tree over segments: which routes can match a path at all.
///
/// A node has a child for each literal segment and one for every segment with a parameter. All nodes stand in one
/// array, all literal children in one hash table with open addressing, keyed by parent and segment: a step
/// costs the same among ten routes and among ten thousand. Places and nodes are small and hold what a step reads,
/// since with many routes the processor has to fetch every one of them.
struct RouteIndex: Sendable {
    struct Node: Sendable {
        /// The child for a segment with a parameter; 0, which is no one's child, when there is none.
        var parameterChild: Int32 = 0
        /// The earliest route in this node and below it.
        var earliestRoute = Int32.max
        /// The number of its set of programs in the table's list.
        var programs: Int32 = 0
        var hasLiteralChildren = false
    }

    /// A place of the hash table: a literal child with its parent and segment.
    private struct Place: Sendable {
        /// 0 in a free place.
        var child: Int32 = 0
        let parent: Int32
        let count: Int32
        /// Where the rest of a segment begins in `rests`, when it is longer than 16 bytes.
        var restStart: Int32 = 0
        let first: UInt64
        let second: UInt64

        init(parent: Int32, _ segment: UnsafeBufferPointer<UInt8>) {
            let bytes = UnsafeRawBufferPointer(segment)
            self.parent = parent
            count = Int32(truncatingIfNeeded: bytes.count)
            first = RouteIndex.word(of: bytes, at: 0)
            second = RouteIndex.word(of: bytes, at: 8)
        }

        func isSame(as other: Place) -> Bool {
            first == other.first && second == other.second && parent == other.parent && count == other.count
        }
    }

    private static let inlineCount = 16

    private let nodes: [Node]
    private let places: [Place]
    private let mask: Int
    /// What the places do not hold of long segments.
    private let rests: [UInt8]

    /// - Parameter children: each literal child; no parent has two for the same segment
    init(nodes: [Node], children: [(parent: Int32, segment: [UInt8], child: Int32)]) {
        var nodes = nodes
        var capacity = 8
        // At most two thirds full: a step looks at one place or two.
        while capacity * 2 < children.count * 3 { capacity *= 2 }
        let free = Place(parent: -1, UnsafeBufferPointer(start: nil, count: 0))
        var places = Array(repeating: free, count: capacity)
        let mask = capacity - 1
        var rests: [UInt8] = []
        for (parent, segment, child) in children {
            nodes[Int(parent)].hasLiteralChildren = true
            segment.withUnsafeBufferPointer { segment in
                var place = Place(parent: parent, segment)
                place.child = child
                place.restStart = Int32(rests.count)
                rests += segment.dropFirst(Self.inlineCount)
                var number = Self.hash(place, segment) & mask
                while places[number].child != 0 { number = (number + 1) & mask }
                places[number] = place
            }
        }
        self.nodes = nodes
        self.places = places
        self.mask = mask
        self.rests = rests
    }

    subscript(number: Int32) -> Node {
        nodes[Int(number)]
    }

    func literalChild(of parent: Int32, _ segment: UnsafeBufferPointer<UInt8>) -> Int32? {
        let wanted = Place(parent: parent, segment)
        var number = Self.hash(wanted, segment) & mask
        while places[number].child != 0 {
            if places[number].isSame(as: wanted), isRest(places[number], of: segment) {
                return places[number].child
            }
            number = (number + 1) & mask
        }
        return nil
    }

    private func isRest(_ place: Place, of segment: UnsafeBufferPointer<UInt8>) -> Bool {
        guard segment.count > Self.inlineCount else { return true }
        return rests[Int(place.restStart)...].starts(with: segment[Self.inlineCount...])
    }

    /// It needs no secret: the manifest fills the table, and a request can only look into it, which takes at most
    /// as many steps as the longest run of places that the manifest has filled.
    private static func hash(_ place: Place, _ segment: UnsafeBufferPointer<UInt8>) -> Int {
        let seed = UInt64(UInt32(bitPattern: place.parent)) << 32 | UInt64(UInt32(bitPattern: place.count))
        var state = fold(fold(seed ^ place.first) ^ place.second)
        if segment.count > inlineCount {
            let bytes = UnsafeRawBufferPointer(segment)
            for offset in stride(from: inlineCount, to: bytes.count, by: 8) {
                state = fold(state ^ word(of: bytes, at: offset))
            }
        }
        return Int(truncatingIfNeeded: state >> 1)
    }

    /// Eight bytes from an offset, or as many as there are.
    private static func word(of bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        if offset + 8 <= bytes.count { return bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        var word: UInt64 = 0
        var place = offset
        while place < bytes.count {
            word = word << 8 | UInt64(bytes[place])
            place += 1
        }
        return word
    }

    private static func fold(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }
}
