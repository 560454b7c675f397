internal import FoundationEssentials
internal import PostludeTaskStore

/// A value that a statement's parameter may have, in PostgreSQL's binary format.
enum StatementValue: Sendable {
    case null(ColumnType)
    case integer(Int64)
    case boolean(Bool)
    case text(String)
    case bytes(Data)
    /// A record's id, as PostgreSQL's `uuid`.
    case id(RecordID)
    case list(ColumnType, [StatementValue])

    static func integer(_ number: Int64?) -> StatementValue { number.map { .integer($0) } ?? .null(.integer) }
    static func text(_ text: String?) -> StatementValue { text.map { .text($0) } ?? .null(.text) }
    static func bytes(_ bytes: Data?) -> StatementValue { bytes.map { .bytes($0) } ?? .null(.bytes) }
    static func id(_ id: RecordID?) -> StatementValue { id.map { .id($0) } ?? .null(.id) }
    static func integers(_ all: [Int64]) -> StatementValue { .list(.integer, all.map { .integer($0) }) }
    static func ids(_ all: [RecordID]) -> StatementValue { .list(.id, all.map { .id($0) }) }

    /// The object identifier of the parameter's type.
    var type: UInt32 {
        switch self {
        case .null(let type): type.rawValue
        case .integer: ColumnType.integer.rawValue
        case .boolean: ColumnType.boolean.rawValue
        case .text: ColumnType.text.rawValue
        case .bytes: ColumnType.bytes.rawValue
        case .id: ColumnType.id.rawValue
        case .list(let type, _): type.list
        }
    }

    /// The value's bytes; nil for NULL.
    var encoded: [UInt8]? {
        switch self {
        case .null: nil
        case .integer(let number): Self.bigEndian(number)
        case .boolean(let flag): [flag ? 1 : 0]
        // PostgreSQL's text cannot contain a NUL. Names and keys that have one are refused; an error's text may have one.
        case .text(let text): text.utf8.contains(0) ? Self.withoutNUL(text) : Array(text.utf8)
        case .bytes(let bytes): Array(bytes)
        case .id(let id): Self.uuid(id)
        case .list(let type, let values): Self.array(type, values)
        }
    }

    private static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func withoutNUL(_ text: String) -> [UInt8] {
        Array(String(text.map { $0 == "\0" ? "\u{fffd}" : $0 }).utf8.map { $0 == 0 ? UInt8(ascii: "?") : $0 })
    }

    private static func uuid(_ id: RecordID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        var high: UInt8?
        // An id consists of hexadecimal digits in lower case, and hyphens.
        for byte in id.text.utf8 where byte != UInt8(ascii: "-") {
            let digit =
                byte <= UInt8(ascii: "9") ? byte &- UInt8(ascii: "0") : byte &- UInt8(ascii: "a") &+ 10
            if let first = high {
                bytes.append(first << 4 | digit & 15)
                high = nil
            } else {
                high = digit & 15
            }
        }
        return bytes
    }

    /// Returns an array of one dimension: its header, then each element with its length.
    private static func array(_ type: ColumnType, _ values: [StatementValue]) -> [UInt8] {
        let elements = values.map(\.encoded)
        let hasNull: Int32 = elements.contains { $0 == nil } ? 1 : 0
        guard !values.isEmpty else {
            return bigEndian(Int32(0)) + bigEndian(hasNull) + bigEndian(type.rawValue)
        }
        var bytes = bigEndian(Int32(1)) + bigEndian(hasNull) + bigEndian(type.rawValue)
        bytes += bigEndian(Int32(clamping: values.count)) + bigEndian(Int32(1))
        for element in elements {
            bytes += bigEndian(element.map { Int32(clamping: $0.count) } ?? -1)
            if let element { bytes += element }
        }
        return bytes
    }
}

/// The types of parameters and columns. The raw values are PostgreSQL's object identifiers.
enum ColumnType: UInt32, Sendable {
    case boolean = 16
    case bytes = 17
    case integer = 20
    case text = 25
    case id = 2950

    /// The type of a list of this type.
    var list: UInt32 {
        switch self {
        case .boolean: 1000
        case .bytes: 1001
        case .integer: 1016
        case .text: 1009
        case .id: 2951
        }
    }
}

/// A statement with the values of its parameters. Each session prepares its text once.
struct Statement: Sendable {
    let sql: String
    var values: [StatementValue] = []

    init(_ sql: String, _ values: [StatementValue] = []) {
        self.sql = sql
        self.values = values
    }
}
