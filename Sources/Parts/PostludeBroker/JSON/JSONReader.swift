/// Reads a JSON text (RFC 8259), and refuses what Python's `json` does not accept, or reads as another value.
struct JSONReader {
    /// The largest number of nested levels. Python fails at about a thousand, or at fewer if its own stack is deep.
    static let maximumDepth = 200
    /// The largest number of digits of an integer, which is that of Python 3.11 (`sys.get_int_max_str_digits`).
    static let maximumDigits = 4_300

    struct Mistake: Error, CustomStringConvertible {
        let reason: String
        let position: Int

        var description: String { "\(reason) (at byte \(position))" }
    }

    private let bytes: [UInt8]
    private let isForKombu: Bool
    private var position = 0

    /// - Parameter isForKombu: whether to refuse what kombu keeps for itself; it may come from there.
    static func read(_ bytes: [UInt8], isForKombu: Bool = false) throws(Mistake) -> JSONValue {
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw Mistake(reason: "invalid UTF-8", position: error.byteOffsets.lowerBound)
        }
        var reader = JSONReader(bytes: bytes, isForKombu: isForKombu)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.mistake("text after the value") }
        return value
    }

    private init(bytes: [UInt8], isForKombu: Bool) {
        self.bytes = bytes
        self.isForKombu = isForKombu
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func mistake(_ reason: String, at place: Int? = nil) -> Mistake {
        Mistake(reason: reason, position: place ?? position)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) throws(Mistake) -> JSONValue {
        skipSpace()
        let start = position
        let content: JSONValue.Content
        switch next {
        case UInt8(ascii: "{"): content = try object(depth: depth)
        case UInt8(ascii: "["): content = try array(depth: depth)
        case UInt8(ascii: "\""): content = .string(try string())
        case UInt8(ascii: "t"): content = try word("true", .bool(true))
        case UInt8(ascii: "f"): content = try word("false", .bool(false))
        case UInt8(ascii: "n"): content = try word("null", .null)
        default: content = try number()
        }
        return JSONValue(content: content, range: start..<position)
    }

    private mutating func word(
        _ word: String, _ content: JSONValue.Content
    ) throws(Mistake) -> JSONValue.Content {
        guard bytes[position...].starts(with: word.utf8) else { throw mistake("not a JSON value") }
        position += word.utf8.count
        return content
    }

    private mutating func open(depth: Int) throws(Mistake) {
        guard depth < Self.maximumDepth else {
            throw mistake("nested more than \(Self.maximumDepth) levels deep")
        }
        position += 1
        skipSpace()
    }

    private mutating func array(depth: Int) throws(Mistake) -> JSONValue.Content {
        try open(depth: depth)
        var elements: [JSONValue] = []
        if take("]") { return .array(elements) }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw mistake("expected ',' or ']'") }
        return .array(elements)
    }

    private mutating func object(depth: Int) throws(Mistake) -> JSONValue.Content {
        let start = position
        try open(depth: depth)
        var members: [(name: String, value: JSONValue)] = []
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw mistake("expected a member's name") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw mistake("expected ':'") }
            members.append((name, try value(depth: depth + 1)))
            skipSpace()
        } while take(",")
        guard take("}") else { throw mistake("expected ',' or '}'") }
        let names = Set(members.map(\.name.unicodeKey))
        guard names.count == members.count else {
            throw mistake("an object with a duplicate name, of which Python keeps one value", at: start)
        }
        // kombu since 5.3 makes a value of its own types of this, and fails for a type that it does not know.
        guard !isForKombu || names != ["__type__".unicodeKey, "__value__".unicodeKey] else {
            throw mistake("an object of __type__ and __value__, which kombu reserves", at: start)
        }
        return .object(members)
    }

    private mutating func number() throws(Mistake) -> JSONValue.Content {
        let start = position
        _ = take("-")
        let firstDigit = position
        skipDigits()
        let digits = position - firstDigit
        guard digits > 0 else { throw mistake("not a JSON value", at: start) }
        guard digits == 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            throw mistake("a number with a leading zero", at: start)
        }
        var isInteger = true
        if take(".") {
            isInteger = false
            let fraction = position
            skipDigits()
            guard position > fraction else { throw mistake("a number without digits after its point") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if !take("+") { _ = take("-") }
            let exponent = position
            skipDigits()
            guard position > exponent else { throw mistake("a number without digits in its exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger {
            guard digits <= Self.maximumDigits else {
                let advice = "send it as a string"
                throw mistake("an integer of \(digits) digits, which Python refuses; \(advice)", at: start)
            }
        } else if Double(text)?.isFinite != true {
            throw mistake("a number beyond the range of a double, which Python reads as infinity", at: start)
        }
        return .number(text)
    }

    private mutating func skipDigits() {
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    }

    // MARK: Strings

    private mutating func string() throws(Mistake) -> String {
        position += 1
        var result: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"):
                try escape(into: &result)
            case 0..<0x20:
                throw mistake("a control character inside a string")
            default:
                result.append(byte)
                position += 1
            }
        }
        throw mistake("an unterminated string")
    }

    private mutating func escape(into result: inout [UInt8]) throws(Mistake) {
        let start = position
        position += 1
        guard let letter = next else { throw mistake("an unterminated string") }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(letter)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0c)
        case UInt8(ascii: "n"): result.append(0x0a)
        case UInt8(ascii: "r"): result.append(0x0d)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if value & 0xfc00 == 0xd800, take("\\"), take("u") {
                let low = try hexadecimal()
                guard low & 0xfc00 == 0xdc00 else { throw mistake("half a surrogate pair", at: start) }
                value = 0x10000 + (value & 0x3ff) << 10 + low & 0x3ff
            }
            guard let scalar = Unicode.Scalar(value) else {
                throw mistake("half a surrogate pair", at: start)
            }
            result += Array(String(Character(scalar)).utf8)
        default: throw mistake("an unknown escape", at: start)
        }
    }

    private mutating func hexadecimal() throws(Mistake) -> UInt32 {
        guard position + 4 <= bytes.count else { throw mistake("a broken \\u escape") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw mistake("a broken \\u escape")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}

extension String {
    /// The UTF-8 bytes, by which names are compared. Python compares scalars; in Swift, canonically equivalent strings are
    /// equal.
    fileprivate var unicodeKey: [UInt8] { Array(utf8) }
}
