/// A writer of a date's text.
struct DateWriter {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(32) }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func append(_ character: Unicode.Scalar) { bytes.append(UInt8(ascii: character)) }

    mutating func day(_ day: CivilDate) {
        number(day.year, width: 4)
        append("-")
        number(day.month, width: 2)
        append("-")
        number(day.day, width: 2)
    }

    /// - Parameter seconds: the seconds since midnight.
    mutating func time(seconds: Int, nanosecond: Int, fractionDigits: Int?) {
        append("T")
        number(seconds / 3_600, width: 2)
        append(":")
        number(seconds / 60 % 60, width: 2)
        append(":")
        number(seconds % 60, width: 2)
        let digits = fractionDigits.map { min(max($0, 0), 9) } ?? Self.digits(of: nanosecond)
        guard digits > 0 else { return }
        append(".")
        number((digits..<9).reduce(nanosecond) { value, _ in value / 10 }, width: digits)
    }

    /// Returns the number of digits that are needed, in groups of three, as most programs write them.
    private static func digits(of nanosecond: Int) -> Int {
        switch nanosecond {
        case 0: 0
        case _ where nanosecond.isMultiple(of: 1_000_000): 3
        case _ where nanosecond.isMultiple(of: 1_000): 6
        default: 9
        }
    }

    private mutating func number(_ number: Int, width: Int) {
        let text = String(number)
        bytes += repeatElement(UInt8(ascii: "0"), count: max(0, width - text.utf8.count))
        bytes += text.utf8
    }
}
