/// A scanned JSON text. It is well-formed; values are created when they are requested.
package final class JSONDocument: Sendable {
    package let bytes: [UInt8]
    /// The text's value at index 0, and then all values and names within it, in the order of the text.
    package let nodes: [JSONNode]

    private init(bytes: [UInt8], nodes: [JSONNode]) {
        self.bytes = bytes
        self.nodes = nodes
    }

    /// Scans a text.
    ///
    /// - Parameters:
    ///   - bytes: the text, in UTF-8.
    ///   - maximumDepth: the largest accepted nesting of arrays and objects. It protects the stack of readers, which recurse.
    ///   - skipsByteOrderMark: whether the text may begin with a byte order mark. RFC 8259, 8.1, lets a reader ignore it.
    package convenience init(
        scanning bytes: [UInt8], maximumDepth: Int, skipsByteOrderMark: Bool = false
    ) throws(JSONSyntaxError) {
        let nodes = try JSONScanner.nodes(
            of: bytes, maximumDepth: maximumDepth, skipsByteOrderMark: skipsByteOrderMark)
        self.init(bytes: bytes, nodes: nodes)
    }

    /// A document without a value.
    package static let empty = JSONDocument(bytes: [], nodes: [])

    // MARK: Arrays and objects

    /// Returns the indices of an array's elements, or of the names of an object's members.
    package func indices(of index: Int) -> [Int] {
        let group = nodes[index]
        var found: [Int] = []
        var index = index + 1
        while index < group.next {
            found.append(index)
            if group.kind == .object { index = value(ofName: index) }
            index = Int(nodes[index].next)
        }
        return found
    }

    /// Returns the index of the value that follows a member's name.
    package func value(ofName index: Int) -> Int { Int(nodes[index].next) }

    /// Returns the index of the value of an object's member; nil if there is none. Names are equal if their bytes are: `é` and
    /// `e\u{301}` are two names. If several members have the name, the last one counts, as in most programs (RFC 8259, 4).
    package func member(_ name: String, of index: Int) -> Int? {
        var name = name
        return name.withUTF8 { name in
            let end = nodes[index].next
            var found: Int?
            var index = index + 1
            while index < end {
                let value = value(ofName: index)
                if matches(name, index) { found = value }
                index = Int(nodes[value].next)
            }
            return found
        }
    }

    private func matches(_ name: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
        let node = nodes[index]
        if node.hasEscapes { return string(at: index).utf8.elementsEqual(name) }
        let start = Int(node.start)
        // Most names differ in their length, or in their first byte.
        guard Int(node.end) - start == name.count else { return false }
        for offset in name.indices where bytes[start + offset] != name[offset] { return false }
        return true
    }

    // MARK: Scalars

    /// Returns the characters of a string, or the digits of a number.
    package func string(at index: Int) -> String {
        let node = nodes[index]
        guard node.hasEscapes else { return String(decoding: bytes[node.range], as: UTF8.self) }
        var characters: [UInt8] = []
        characters.reserveCapacity(node.range.count)
        var position = node.range.lowerBound
        while position < node.range.upperBound {
            // The scanner has checked the escapes.
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

    /// Returns a number; nil for other values, or if it is too large for a `Double`.
    package func number(at index: Int) -> Double? {
        guard nodes[index].kind == .number, let value = Double(string(at: index)), value.isFinite else {
            return nil
        }
        return value
    }

    /// Returns a number without fraction and exponent; nil for other values, or if it does not fit into `Int`.
    package func integer(at index: Int) -> Int? {
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
        // The sum is negative so far, because `Int` has one more negative number than positive ones.
        if isNegative { return value }
        return value == .min ? nil : -value
    }
}

/// The position and the kind of a value, or of a member's name, in a JSON text.
package struct JSONNode: Sendable {
    package enum Kind: Sendable {
        case null, `true`, `false`, number, string, array, object
    }

    package let kind: Kind
    /// Whether a string contains escapes, so that its characters are not its bytes.
    let hasEscapes: Bool
    let start: UInt32
    var end: UInt32
    /// The index of the node after this one and its elements or members. These directly follow the node, an object's members as
    /// pairs of a name and a value.
    package internal(set) var next: UInt32

    /// The bytes of the value, without the quotes of a string.
    package var range: Range<Int> { Int(start)..<Int(max(start, end)) }

    /// The bytes of the value in the text, with the quotes of a string.
    package var writtenRange: Range<Int> {
        kind == .string ? range.lowerBound - 1..<range.upperBound + 1 : range
    }
}
