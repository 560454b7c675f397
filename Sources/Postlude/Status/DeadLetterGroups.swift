internal import PostludeSystem

/// The dead letters of a task store, grouped by task and error. Errors that differ only in numbers are in one group.
struct DeadLetterGroups {
    struct Group: Codable, Sendable, Hashable {
        var id: String
        var name: String
        /// The error of the dead letter that has ended last.
        var error: String
        var count: Int
        /// The times at which the first and the last one ended, in seconds since 1970.
        var first: Int
        var last: Int
    }

    private var groups: [String: Group] = [:]

    /// The groups, the largest first.
    var all: [Group] {
        groups.values.sorted { ($1.count, $1.last, $0.id) < ($0.count, $0.last, $1.id) }
    }

    mutating func add(_ letter: StoredTaskReport.DeadLetter) {
        let id = Self.group(of: letter)
        guard var group = groups[id] else {
            groups[id] = Group(
                id: id, name: letter.name, error: letter.error, count: 1, first: letter.ended,
                last: letter.ended)
            return
        }
        group.count += 1
        if letter.ended > group.last { (group.last, group.error) = (letter.ended, letter.error) }
        group.first = min(group.first, letter.ended)
        groups[id] = group
    }

    /// Returns the id of the group to which a dead letter belongs: the same in each process.
    static func group(of letter: StoredTaskReport.DeadLetter) -> String {
        var hash = StableHash()
        hash.add(letter.name.utf8)
        hash.add(0)
        var isInNumber = false
        for byte in letter.error.utf8 {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            if !isDigit || !isInNumber { hash.add(isDigit ? UInt8(ascii: "0") : byte) }
            isInNumber = isDigit
        }
        return String(hash.value, radix: 16)
    }
}
