public import FoundationEssentials
internal import PostludeDates

/// A value as a database gets it, or returns it: SQLite's five classes. PostgreSQL returns every value as `text`, or as `null`.
public enum SQLScalar: Sendable, Hashable {
    /// NULL.
    case null
    /// A whole number.
    case integer(Int64)
    /// A number with a fraction.
    case real(Double)
    /// Text.
    case text(String)
    /// Bytes: SQLite's `BLOB`, PostgreSQL's `bytea`.
    case bytes(Data)
}

/// A type whose values are parameters of a statement, and columns of a row.
///
/// `Int`, `Int64`, `Double`, `Bool`, `String`, `Date`, `Data`, `UUID` and their optionals are. A type of your own converts itself to
/// one of them.
public protocol SQLValue: Sendable {
    /// The value as a parameter.
    var sqlScalar: SQLScalar { get }

    /// - Parameter sqlScalar: a column's value.
    /// - Returns: nil if it is not a value of this type.
    init?(sqlScalar: SQLScalar)
}

extension Int64: SQLValue {
    public var sqlScalar: SQLScalar { .integer(self) }

    public init?(sqlScalar: SQLScalar) {
        switch sqlScalar {
        case .integer(let number): self = number
        case .text(let text):
            guard let number = Int64(text) else { return nil }
            self = number
        default: return nil
        }
    }
}

extension Int: SQLValue {
    public var sqlScalar: SQLScalar { .integer(Int64(self)) }

    public init?(sqlScalar: SQLScalar) {
        guard let number = Int64(sqlScalar: sqlScalar) else { return nil }
        self.init(exactly: number)
    }
}

extension Double: SQLValue {
    public var sqlScalar: SQLScalar { .real(self) }

    public init?(sqlScalar: SQLScalar) {
        switch sqlScalar {
        case .integer(let number): self.init(number)
        case .real(let number): self = number
        case .text(let text):
            guard let number = Double(text) else { return nil }
            self = number
        default: return nil
        }
    }
}

/// 1 and 0 as a parameter, which are true and false in both databases.
extension Bool: SQLValue {
    public var sqlScalar: SQLScalar { .integer(self ? 1 : 0) }

    public init?(sqlScalar: SQLScalar) {
        switch sqlScalar {
        case .integer(0), .text("f"): self = false
        case .integer(1), .text("t"): self = true
        default: return nil
        }
    }
}

extension String: SQLValue {
    public var sqlScalar: SQLScalar { .text(self) }

    public init?(sqlScalar: SQLScalar) {
        switch sqlScalar {
        case .text(let text): self = text
        case .integer(let number): self = "\(number)"
        default: return nil
        }
    }
}

/// RFC 3339 in UTC as a parameter. A column without an offset is in UTC.
extension Date: SQLValue {
    public var sqlScalar: SQLScalar { DateText.text(self).map { .text($0) } ?? .null }

    public init?(sqlScalar: SQLScalar) {
        guard case .text(let text) = sqlScalar,
            let date = DateText.date(text, assumesUTC: true)
                ?? DateText.day(text).flatMap({ DateText.date(DateText.text($0) + "T00:00:00Z") })
        else { return nil }
        self = date
    }
}

extension UUID: SQLValue {
    /// Text in lower case.
    public var sqlScalar: SQLScalar { .text(uuidString.lowercased()) }

    public init?(sqlScalar: SQLScalar) {
        guard case .text(let text) = sqlScalar else { return nil }
        self.init(uuidString: text)
    }
}

extension Data: SQLValue {
    public var sqlScalar: SQLScalar { .bytes(self) }

    public init?(sqlScalar: SQLScalar) {
        switch sqlScalar {
        case .bytes(let bytes): self = bytes
        case .text(let text):
            guard let bytes = Self.bytes(ofHexadecimal: text) else { return nil }
            self.init(bytes)
        default: return nil
        }
    }

    /// Reads the text of PostgreSQL's `bytea`, such as `\x00ff`.
    private static func bytes(ofHexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.dropFirst(2).map { hexadecimal($0) }
        guard text.hasPrefix("\\x"), digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            guard let digit else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

/// NULL is nil.
extension Optional: SQLValue where Wrapped: SQLValue {
    public var sqlScalar: SQLScalar { self?.sqlScalar ?? .null }

    public init?(sqlScalar: SQLScalar) {
        if sqlScalar == .null {
            self = nil
        } else if let value = Wrapped(sqlScalar: sqlScalar) {
            self = value
        } else {
            return nil
        }
    }
}

extension SQLScalar {
    /// The text of a parameter in PostgreSQL; nil for NULL.
    var text: String? {
        switch self {
        case .null: nil
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .text(let text): text
        case .bytes(let bytes):
            String(
                decoding: bytes.reduce(into: Array("\\x".utf8)) { $0 += Self.digits(of: $1) }, as: UTF8.self)
        }
    }

    private static func digits(of byte: UInt8) -> [UInt8] {
        [byte >> 4, byte & 15].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "a") - 10 + $0 }
    }
}
