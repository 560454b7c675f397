/// The mode of a socket's file, in octal digits and in quotes: a plain 0660 is 432 to YAML 1.1, and 660 to
/// YAML 1.2.
enum FileModeText {
    static let expectation = "three octal digits in quotes such as \"0660\""

    static func parse(_ text: String) -> UInt32? {
        let digits = text.utf8.count == 4 && text.hasPrefix("0") ? text.dropFirst() : text[...]
        let isOctal = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        return digits.utf8.count == 3 && isOctal ? UInt32(digits, radix: 8) : nil
    }

    /// `0660`
    static func text(of mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
