internal import Synchronization

/// The beginning of an attempt, from the time it is noted until the attempt ends. Most attempts end before it is written: then
/// the note of the end includes it, and one statement changes the record instead of two.
package final class Beginning: Sendable {
    private enum State {
        static let noted = 0
        /// The writer's thread has it. Its transaction may be lost and tried again.
        static let taken = 1
        static let joined = 2
    }

    /// Milliseconds since 1970.
    package let time: Int64
    private let state = Atomic<Int>(State.noted)

    package init(at time: Int64) { self.time = time }

    /// Takes it to be written.
    ///
    /// - Returns: false if the note of the end includes it.
    package func take() -> Bool {
        let (_, found) = state.compareExchange(
            expected: State.noted, desired: State.taken, ordering: .relaxed)
        return found != State.joined
    }

    /// Includes it in the note of the attempt's end.
    ///
    /// - Returns: false if the writer's thread has it.
    package func join() -> Bool {
        state.compareExchange(expected: State.noted, desired: State.joined, ordering: .relaxed).exchanged
    }
}
