package import FoundationEssentials
internal import PostludeDates

/// When a schedule fires: five fields, as cron has them, in a time zone.
///
/// ```
/// 30 2 * * mon-fri      at 2:30 from Monday to Friday
/// */15 8-17 * * *       every quarter of an hour, from 8:00 to 17:45
/// 0 0 1,15 * sun        at midnight on the 1st, on the 15th, and on Sundays
/// @daily                at midnight
/// ```
///
/// Where both days are given, one of them is enough, as in cron; where one begins with `*`, both must be right.
///
/// When clocks change: what is to fire in every hour follows real time, so that a doubled hour counts twice and a
/// skipped one not at all. What is to fire in some hours fires once each day that it should: in the first one of two
/// doubled hours, and in place of all that is skipped once, as soon as the skipped time is over.
package struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    package let description: String
    package let timeZone: TimeZone

    let minutes: CronSet
    let hours: CronSet
    let days: CronSet
    let months: CronSet
    let weekdays: CronSet
    /// Whether either day is enough.
    let isEitherDay: Bool

    var isEveryHour: Bool { hours == CronSet(0...23) }

    func matches(_ date: CivilDate) -> Bool {
        guard months.contains(date.month) else { return false }
        let isDay = days.contains(date.day)
        let isWeekday = weekdays.contains(date.weekday)
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }
}

/// Some numbers from 0 to 63.
struct CronSet: Sendable, Hashable {
    private var bits: UInt64 = 0

    init() {}

    init(_ numbers: ClosedRange<Int>) { for number in numbers { insert(number) } }

    mutating func insert(_ number: Int) { bits |= 1 << UInt64(clamping: number) }

    func contains(_ number: Int) -> Bool { number >= 0 && bits & 1 << UInt64(number) != 0 }

    /// The first one that is not less.
    func first(from number: Int) -> Int? {
        guard number < 64 else { return nil }
        let left = bits & (.max << UInt64(max(0, number)))
        return left == 0 ? nil : left.trailingZeroBitCount
    }
}
