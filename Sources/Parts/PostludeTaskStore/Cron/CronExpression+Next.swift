package import FoundationEssentials
internal import PostludeDates

extension CronExpression {
    /// The first time after `date` at which it fires.
    ///
    /// - Returns: nil if there is none within eight years and some months, which the rarest day takes: 29 February.
    package func next(after date: Date) -> Date? {
        guard date.timeIntervalSince1970.magnitude < 1e11 else { return nil }
        let seconds = Int(date.timeIntervalSince1970.rounded(.down))
        let next = isEveryHour ? nextInRealTime(after: seconds) : nextOnTheClock(after: seconds)
        return next.map { Date(timeIntervalSince1970: Double($0)) }
    }

    /// The last time after `date` at which it fires, and not after `end`; nil if there is none.
    package func last(after date: Date, through end: Date) -> Date? {
        guard let first = next(after: date), first <= end else { return nil }
        // What is before the last one has a next one in time: to find the edge takes fewer steps than to pass by all.
        var (before, behind) = (first, end)
        while behind.timeIntervalSince(before) > 1 {
            let middle = before.addingTimeInterval(behind.timeIntervalSince(before) / 2)
            if let next = next(after: middle), next <= end { before = next } else { behind = middle }
        }
        return before
    }

    /// Each hour that really passes, whatever clocks call it.
    private func nextInRealTime(after seconds: Int) -> Int? {
        var start = seconds + 1
        let limit = seconds + Self.horizon
        while start <= limit {
            let offset = offset(at: start)
            guard let minute = nextMinute(from: Self.ceiling(start + offset)) else { return nil }
            let time = minute * 60 - offset
            guard let change = firstChange(from: start, to: time) else { return time }
            // The clock shows another time from there on.
            start = change
        }
        return nil
    }

    /// What the clock shows, each time once.
    private func nextOnTheClock(after seconds: Int) -> Int? {
        let limit = seconds + Self.horizon
        var minute = Self.ceiling(seconds + 1 + offset(at: seconds))
        while let match = nextMinute(from: minute) {
            let time = firstTime(at: match * 60)
            if time > seconds { return time <= limit ? time : nil }
            minute = match + 1
        }
        return nil
    }

    /// When the clock shows a time first; where it never does, when the time that it skips is over.
    private func firstTime(at civil: Int) -> Int {
        let offsets = Set([offset(at: civil - Self.day), offset(at: civil), offset(at: civil + Self.day)])
        if let time = offsets.map({ civil - $0 }).filter({ $0 + offset(at: $0) == civil }).min() {
            return time
        }
        let earliest = civil - (offsets.max() ?? 0)
        let latest = civil - (offsets.min() ?? 0)
        return firstChange(from: earliest, to: latest) ?? latest
    }

    // MARK: Minutes that match

    /// The first minute since 1970 by the clock, not before `minute`, that matches.
    private func nextMinute(from minute: Int) -> Int? {
        var day = Self.floor(minute, by: 1_440)
        var minuteOfDay = minute - day * 1_440
        let limit = day + Self.horizon / Self.day
        while day <= limit {
            if matches(CivilDate(number: day)), let found = nextMinuteOfDay(from: minuteOfDay) {
                return day * 1_440 + found
            }
            day += 1
            minuteOfDay = 0
        }
        return nil
    }

    private func nextMinuteOfDay(from minute: Int) -> Int? {
        var hour = minute / 60
        var minuteOfHour = minute % 60
        while let match = hours.first(from: hour) {
            if match != hour { minuteOfHour = 0 }
            if let found = minutes.first(from: minuteOfHour) { return match * 60 + found }
            hour = match + 1
            minuteOfHour = 0
        }
        return nil
    }

    // MARK: The clock's changes

    private static let day = 86_400
    private static let horizon = (8 * 366 + 62) * day

    private func offset(at seconds: Int) -> Int {
        timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
    }

    /// The first second, not before `start` and not after `end`, at which the clock differs from that at `start`.
    private func firstChange(from start: Int, to end: Int) -> Int? {
        let before = offset(at: start)
        var same = start
        while same < end {
            let next = min(end, same + Self.day)
            if offset(at: next) == before {
                same = next
                continue
            }
            var changed = next
            while changed - same > 1 {
                let middle = same + (changed - same) / 2
                if offset(at: middle) == before { same = middle } else { changed = middle }
            }
            return changed
        }
        return nil
    }

    /// The first minute that does not begin before that second.
    private static func ceiling(_ seconds: Int) -> Int { -floor(-seconds, by: 60) }

    private static func floor(_ number: Int, by divisor: Int) -> Int {
        number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
    }
}
