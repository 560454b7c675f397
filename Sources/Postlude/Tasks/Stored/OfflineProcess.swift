package import FoundationEssentials

/// A process that a test follows, and that may die at any moment (`TestApplication.explore` of PostludeTesting).
///
/// Whatever changes something that outlives the process says so before. Between two such events nothing outlives it, so that a
/// death at any other moment has the same effect as a death before the next event.
package protocol OfflineProcess: AnyObject, Sendable {
    /// The folder of the files that outlive it.
    var folder: String { get }

    /// How far its clock is ahead of the real one, in seconds.
    var timeAhead: TimeInterval { get }

    /// Advances its clock, unless it is later already.
    func advanceClock(to time: Date)

    /// Called before something changes that outlives the process. If the process dies here, this does not return before the test
    /// has seen what its death leads to.
    ///
    /// - Parameter event: what happens next, as the end of a sentence such as "the process dies before the answer 202".
    /// - Throws: if the process is dead. Then nothing must change.
    func reach(_ event: String) throws

    /// - Throws: if the process is dead, after the same time as ``reach(_:)``.
    func checkIsAlive() throws

    /// Sets the notes that the process has not written.
    func follow(_ notes: any OfflineNotes)

    /// Called on the thread that stands for the process's worker, before everything else.
    func isWorker()
}

/// The changes that a process has noted, and that its death loses unless they are written before.
package protocol OfflineNotes: AnyObject, Sendable {
    /// Whether there are notes that can be written now, and whose loss makes a difference.
    var areUnwritten: Bool { get }

    /// Writes them.
    func write() throws
}
