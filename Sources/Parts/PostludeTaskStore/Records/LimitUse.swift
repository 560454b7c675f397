/// How the records of one key use their limit.
package struct LimitUse: Sendable, Hashable {
    package var name: String
    package var key: String
    /// The number of records that processes own.
    package var running: Int
    /// The number of records that are due and have no owner.
    package var waiting: Int
    /// The number of records that wait for their time, or are paused.
    package var later: Int
    /// How many records have begun within the rate's period; 0 without a rate.
    package var begun: Int

    package init(name: String, key: String, running: Int, waiting: Int, later: Int, begun: Int) {
        self.name = name
        self.key = key
        self.running = running
        self.waiting = waiting
        self.later = later
        self.begun = begun
    }
}
