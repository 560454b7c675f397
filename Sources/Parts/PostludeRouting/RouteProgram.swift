/// One step of matching at a node of the index: some of the node's routes, decided by one match.
///
/// It says nothing of where it stands: ten thousand nodes that differ in literals alone share one program.
struct RouteProgram: Sendable, Hashable {
    /// The expression's number in the table's list; -1 when the index has decided, as it does for literals
    /// alone.
    let expression: Int32
    /// How many bytes of the path the expression does not see: a raw expression's mount prefix.
    let mountLength: Int32
    /// Where its routes begin in the table's list of choices, of which a mark chooses one, the earliest
    /// first; -1 when its one route is the earliest of its node.
    let choices: Int32
    /// The captures of that one route.
    let captures: Captures

    /// A range of the table's list of captures.
    struct Captures: Sendable, Hashable {
        let start: Int32
        let count: Int32
    }

    /// A route that a mark can choose.
    struct Choice: Sendable {
        let route: Int32
        let captures: Captures
    }

    /// A node's programs, as ranges of the table's list.
    struct Set: Sendable {
        /// For paths that end at the node.
        let exact: Range<Int>
        /// For paths that go on, with any segments.
        let tail: Range<Int>
    }
}
