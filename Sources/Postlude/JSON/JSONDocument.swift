/// A JSON text that was read: well-formed, and its values made when they are asked for.
final class JSONDocument: Sendable {
    let bytes: [UInt8]
    /// The text's value, and all within it, in the order of the text.
    let nodes: [JSONNode]

    init(bytes: [UInt8], nodes: [JSONNode]) {
        self.bytes = bytes
        self.nodes = nodes
    }

    /// Returns the indices of the nodes of an array's elements, or of an object's keys.
    func indices(of index: Int) -> [Int] {
        let group = nodes[index]
        var found: [Int] = []
        var index = index + 1
        while index < group.next {
            found.append(index)
            if group.kind == .object { index = value(ofKey: index) }
            index = Int(nodes[index].next)
        }
        return found
    }

    func value(ofKey index: Int) -> Int { Int(nodes[index].next) }

    /// Returns the index of the value of an object's member `key`; nil if there is none. If several have this name, the
    /// last one counts, as in a query and in most programs (RFC 8259, 4).
    func member(_ key: String, of index: Int) -> Int? {
        let object = nodes[index]
        var found: Int?
        var index = index + 1
        while index < object.next {
            let value = value(ofKey: index)
            if matches(key, index) { found = value }
            index = Int(nodes[value].next)
        }
        return found
    }

    private func matches(_ key: String, _ index: Int) -> Bool {
        let node = nodes[index]
        guard !node.hasEscapes else { return string(at: index).utf8.elementsEqual(key.utf8) }
        guard node.range.count == key.utf8.count else { return false }
        return bytes[node.range].elementsEqual(key.utf8)
    }

    /// Returns the characters of a string, or the digits of a number.
    func string(at index: Int) -> String {
        let node = nodes[index]
        guard node.hasEscapes else { return String(decoding: bytes[node.range], as: UTF8.self) }
        var characters: [UInt8] = []
        characters.reserveCapacity(node.range.count)
        var position = node.range.lowerBound
        while position < node.range.upperBound {
            // Escapes were checked when the text was read.
            if bytes[position] == UInt8(ascii: "\\"), let scalar = JSONEscape.scalar(in: bytes, at: &position)
            {
                characters += String(scalar).utf8
            } else {
                characters.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// Returns a number as an `Int`; nil if it has a fraction or an exponent, or is out of range.
    func integer(at index: Int) -> Int? {
        let node = nodes[index]
        guard node.kind == .number else { return nil }
        var value = 0
        var digits = bytes[node.range]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        for byte in digits {
            let digit = Int(byte) - 0x30
            guard (0...9).contains(digit) else { return nil }
            let (tens, tooLong) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = tens.subtractingReportingOverflow(digit)
            guard !tooLong, !tooLarge else { return nil }
            value = sum
        }
        // Counted downwards, since Int reaches further there.
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// Returns the value at a node, of any kind.
    ///
    /// - Throws: the index of a number that is out of the range of `Double`.
    func value(at index: Int) throws(NumberOutOfRange) -> JSONValue {
        switch nodes[index].kind {
        case .null: return .null
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .string: return .string(string(at: index))
        case .number:
            if let value = integer(at: index) { return .integer(value) }
            guard let value = Double(string(at: index)), value.isFinite else {
                throw NumberOutOfRange(index: index)
            }
            return .number(value)
        case .array:
            var elements: [JSONValue] = []
            for index in indices(of: index) { elements.append(try value(at: index)) }
            return .array(elements)
        case .object:
            var members: [String: JSONValue] = [:]
            for index in indices(of: index) {
                members[string(at: index)] = try value(at: value(ofKey: index))
            }
            return .object(members)
        }
    }

    struct NumberOutOfRange: Error {
        let index: Int
    }
}
