import FoundationEssentials

/// A date in the form of mails, such as `Fri, 21 Nov 1997 09:55:06 +0000` (RFC 5322, section 3.3).
struct MailDate: Sendable, CustomStringConvertible {
    let date: Date

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

    var description: String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        // The calendar counts months and weekdays from 1.
        let month = Self.months[calendar.component(.month, from: date) - 1]
        let weekday = Self.weekdays[calendar.component(.weekday, from: date) - 1]
        let day = calendar.component(.day, from: date)
        let year = calendar.component(.year, from: date)
        let time = [Calendar.Component.hour, .minute, .second].map { unit in
            let number = calendar.component(unit, from: date)
            return number < 10 ? "0\(number)" : "\(number)"
        }
        return "\(weekday), \(day) \(month) \(year) \(time.joined(separator: ":")) +0000"
    }
}
