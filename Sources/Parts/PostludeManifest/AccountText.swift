/// Users and groups, by name or number. Whether they exist is known only on the machine that serves.
enum AccountText {
    /// The largest number; the one above means "unchanged" to chown(2).
    static let maximum: UInt32 = .max - 1

    static func isAccount(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 255 else { return false }
        if isDigit(first) {
            return text.utf8.allSatisfy(isDigit) && UInt32(text).map { $0 <= maximum } == true
        }
        // Computers of a Windows domain end with a dollar.
        let name = text.utf8.last == UInt8(ascii: "$") ? text.utf8.dropLast() : text.utf8[...]
        return !name.isEmpty && first != UInt8(ascii: "-") && first != UInt8(ascii: ".")
            && name.allSatisfy { isDigit($0) || isLetter($0) || "_.-".utf8.contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
