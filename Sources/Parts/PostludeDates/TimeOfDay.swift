/// A time on a clock's face, without a zone.
package struct TimeOfDay: Sendable, Hashable {
    package let hour: Int
    package let minute: Int
    package let second: Int
    package let nanosecond: Int

    /// - Returns: nil if no clock shows that.
    package init?(hour: Int, minute: Int, second: Int = 0, nanosecond: Int = 0) {
        guard (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second),
            (0..<1_000_000_000).contains(nanosecond)
        else { return nil }
        (self.hour, self.minute, self.second, self.nanosecond) = (hour, minute, second, nanosecond)
    }

    /// Whole seconds since midnight.
    package var seconds: Int { (hour * 60 + minute) * 60 + second }
}
