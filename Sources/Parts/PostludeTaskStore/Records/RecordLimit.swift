/// A limit of the records of one name, over all processes that share a store.
///
/// Records whose limit key is equal share the limit. One of them may run if fewer than ``places`` are owned, and if fewer than the
/// rate's count have been claimed within the rate's period.
package struct RecordLimit: Sendable, Hashable {
    package var name: String
    /// The largest number of records that run at once; nil for any number.
    package var running: Int?
    /// How many records may begin within a time; nil for any number.
    package var rate: RecordRate?
    /// The member of the payload whose value is the limit key; nil if all records share one key.
    package var member: String?
    /// Whether the records of a key run one after another, in the order of their numbers.
    package var isStrict: Bool

    package init(
        name: String, running: Int? = nil, rate: RecordRate? = nil, member: String? = nil,
        isStrict: Bool = false
    ) {
        self.name = name
        self.running = running
        self.rate = rate
        self.member = member
        self.isStrict = isStrict
    }

    /// The largest number of records of a key that processes may own at once; nil for any number.
    package var places: Int? { isStrict ? 1 : running }

    /// The limit key of a record that waits for one before it that has a limit: it is claimed together with that one.
    package static let follower = "\u{1}follower"

    /// The longest time, in milliseconds, after which a key is examined again although nothing about it was noted: the place of a
    /// record whose end was not noted is free then.
    package static let recheck: Int64 = 5_000
    /// The delay, in milliseconds, after which a key is examined again whose due records could not be claimed.
    package static let pause: Int64 = 1_000
}

/// How many records may begin within a time: in any period of this length, at most this number.
package struct RecordRate: Sendable, Hashable {
    package var count: Int
    /// In milliseconds.
    package var period: Int64

    package init(count: Int, period: Int64) {
        self.count = count
        self.period = period
    }

    /// The step, in milliseconds, to which the times of beginnings are rounded up, so that a store keeps few of them for each key. A
    /// time that is rounded up only delays later records.
    package var step: Int64 { count <= 64 ? 1 : max(1, period / 64) }

    /// Returns the time under which a beginning is kept.
    package func time(ofBeginningAt now: Int64) -> Int64 {
        let remainder = now % step
        return remainder == 0 ? now : now + step - remainder
    }
}

/// The name and the limit key of records that share a limit.
package struct RecordLimitKey: Sendable, Hashable {
    package var name: String
    package var key: String

    package init(name: String, key: String) {
        self.name = name
        self.key = key
    }
}
