extension RouteIndex {
    /// What a step of a walk reads, all in 32 bytes: half a cache line.
    struct Node: Sendable {
        var key = SegmentKey()
        /// -1 in a free place of the table, and for a node that is not a literal child.
        var parent: Int32 = -1
        /// The earliest route in this node and below it; -1 when it is that of the node above.
        var earliestRoute = Int32.max
        /// The number of its set of programs in the table's list; -1 when it has none.
        var programs: Int32 = -1
        /// The child for a segment with a parameter, times four, and two flags.
        private var children: Int32 = 0

        /// The child for a segment with a parameter; 0, which is no one's child, when there is none.
        var parameterChild: Int32 {
            get { children >> 2 }
            set { children = newValue << 2 | children & 3 }
        }

        var hasLiteralChildren: Bool {
            get { children & 1 != 0 }
            set { children = children & ~1 | (newValue ? 1 : 0) }
        }

        /// In the first node of a line: others have found the line full, and stand after it.
        var isLinePassed: Bool {
            get { children & 2 != 0 }
            set { children = children & ~2 | (newValue ? 2 : 0) }
        }
    }
}
