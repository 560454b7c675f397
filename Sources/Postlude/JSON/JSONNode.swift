/// One value of a JSON text, or a member's key: where it stands, and how it goes on.
struct JSONNode {
    enum Kind: UInt8 {
        case null, `true`, `false`, number, string, array, object
    }

    var kind: Kind
    /// A string with a backslash, whose characters are not its bytes.
    var hasEscapes = false
    /// The value's bytes in the text; without the quotes of a string.
    var start: UInt32
    var end: UInt32 = 0
    /// The index of the node after this one and all nodes inside it. An array's nodes follow it; an object's do so in
    /// pairs, of a key and a value.
    var next: UInt32 = 0

    var range: Range<Int> { Int(start)..<Int(max(start, end)) }
}
