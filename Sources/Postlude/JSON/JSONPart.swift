internal import PostludeJSON

/// A value on its way to JSON text: what it is is known when it has encoded itself.
final class JSONPart {
    enum Item {
        /// As it stands in the text.
        case literal(String)
        /// Still without its quotes.
        case string(String)
        case part(JSONPart)

        fileprivate func write(to bytes: inout [UInt8]) {
            switch self {
            case .literal(let text): bytes += text.utf8
            case .string(let text): JSONString.write(text, to: &bytes)
            case .part(let part): part.write(to: &bytes)
            }
        }
    }

    private enum Kind {
        case object, array, single
    }

    private var kind = Kind.object
    /// In the order of the names' bytes while `isSorted`, and then with each name once.
    private var members: [(name: String, item: Item)] = []
    private var isSorted = true
    private var items: [Item] = []

    func beginObject() { kind = .object }
    func beginArray() { kind = .array }

    var count: Int { items.count }

    func set(_ name: String, _ item: Item) {
        if members.isEmpty { members.reserveCapacity(8) }
        // Small objects are kept sorted, without further allocations. Sorting at the end is faster for large ones.
        if isSorted, members.count < 32 { return insert(name, item) }
        isSorted = false
        members.append((name, item))
    }

    private func insert(_ name: String, _ item: Item) {
        var place = members.count
        while place > 0, !members[place - 1].name.utf8.lexicographicallyPrecedes(name.utf8) {
            place -= 1
            if members[place].name.utf8.elementsEqual(name.utf8) {
                members[place].item = item
                return
            }
        }
        members.insert((name, item), at: place)
    }
    func append(_ item: Item) { items.append(item) }

    func be(_ item: Item) {
        kind = .single
        items = [item]
    }

    /// Appends the JSON text to `bytes`. A part in which nothing was encoded is an empty object.
    func write(to bytes: inout [UInt8]) {
        switch kind {
        case .single: items.first?.write(to: &bytes)
        case .array:
            bytes.append(UInt8(ascii: "["))
            for (number, item) in items.enumerated() {
                if number > 0 { bytes.append(UInt8(ascii: ",")) }
                item.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object:
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for (name, item) in isSorted ? members : sortedMembers {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                JSONString.write(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                item.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// The members, sorted by the bytes of their names. Of several members of one name, only the last is in it. Bytes are
    /// compared because a precomposed and a decomposed `é` are equal in Swift, but different names in JSON.
    private var sortedMembers: [(name: String, item: Item)] {
        let sorted = members.enumerated().sorted { one, other in
            if one.element.name.utf8.elementsEqual(other.element.name.utf8) {
                return one.offset < other.offset
            }
            return one.element.name.utf8.lexicographicallyPrecedes(other.element.name.utf8)
        }.map(\.element)
        return sorted.indices.filter { index in
            let next = sorted.index(after: index)
            return next == sorted.endIndex
                || !sorted[index].name.utf8.elementsEqual(sorted[next].name.utf8)
        }.map { sorted[$0] }
    }
}
