/// The source of what parked responses send. Its pieces are numbered from 1; a position is the number of the last one
/// that a response has sent.
package protocol OutputSource: AnyObject, Sendable {
    /// Returns what follows a position. Called by the thread that serves parked responses; must not block.
    func output(after position: Int) -> Output

    /// Returns the id with which a client that has got everything up to a position can continue; nil if there is none.
    func lastID(at position: Int) -> String?

    /// Adds an object that is to be told of each change from now on.
    func add(_ listener: any OutputListener)

    func remove(_ listener: any OutputListener)
}

/// What follows a position.
package enum Output: Sendable {
    /// The pieces after it, in order; none if there are none yet. None of them is empty.
    ///
    /// - andMore: whether something follows them already: more pieces, or the end.
    case pieces([StdoutRecords], andMore: Bool)
    /// Nothing, ever: the response is complete.
    case end
    /// Pieces that the source no longer has.
    case lost
}

/// An object that is told when a source has more output, or has ended.
package protocol OutputListener: AnyObject, Sendable {
    /// Called on any thread; must not block.
    func outputChanged(of source: any OutputSource)
}
