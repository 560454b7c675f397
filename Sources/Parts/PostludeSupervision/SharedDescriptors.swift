/// What all processes share, by its numbers in the supervisor.
package struct SharedDescriptors: Codable, Sendable {
    package var listener: Int32
    /// nil if there is not a scoreboard.
    package var scoreboard: Int32?
    package var handoverSending: Int32
    package var handoverReceiving: Int32

    package init(listener: Int32, scoreboard: Int32?, handoverSending: Int32, handoverReceiving: Int32) {
        self.listener = listener
        self.scoreboard = scoreboard
        self.handoverSending = handoverSending
        self.handoverReceiving = handoverReceiving
    }
}
