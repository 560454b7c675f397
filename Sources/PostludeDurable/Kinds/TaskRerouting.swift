/// Moves a durable task that does not come to its end here to a broker's queue, with the same id.
public struct TaskRerouting: Sendable, Hashable {
    /// Why a task is moved.
    public enum Occasion: Sendable, Hashable, CaseIterable {
        /// An attempt has passed its deadline.
        case deadline
        /// Its last attempt has failed.
        case attempts
        /// It has not ended when its process does.
        case shutdown
    }

    /// Where it goes.
    public var place: TaskExecution
    /// When it goes there.
    public var occasions: Set<Occasion>

    /// - Parameters:
    ///   - place: where it goes.
    ///   - occasions: when it goes there; by default at each of them.
    public init(to place: TaskExecution, when occasions: Set<Occasion> = Set(Occasion.allCases)) {
        self.place = place
        self.occasions = occasions
    }
}
