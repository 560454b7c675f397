/// The notation of sizes in the manifest: a whole number of bytes, or a whole number with a binary unit (`KiB`, or nginx's
/// `k`).
enum ByteCountText {
    static let expectation =
        "a size in bytes or with a unit (KiB, MiB, GiB, or nginx's k, m, g) such as 64KiB"
    /// The largest size in bytes: no value in the manifest needs more.
    static let maximum = 1 << 40
    static let maximumText = "1024GiB"

    private static let units: [String: Int] = [
        "": 0, "B": 0,
        "KiB": 10, "k": 10, "K": 10,
        "MiB": 20, "m": 20, "M": 20,
        "GiB": 30, "g": 30, "G": 30,
    ]

    static func parse(_ text: String) throws(ValueMistake) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let shift = units[String(text.dropFirst(digits.count))] else {
            throw ValueMistake(expected: expectation)
        }
        guard let count = Int(digits) else {
            throw ValueMistake(expected: "at most \(maximumText)")
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow, bytes <= maximum else {
            throw ValueMistake(expected: "at most \(maximumText)")
        }
        return bytes
    }

    /// Returns the shortest text that `parse` reads as this size, such as `64KiB` or `1500`.
    static func text(of bytes: Int) -> String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        where bytes != 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }
}
