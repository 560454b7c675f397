internal import PostludeJSON

/// A value in a JSON text that Python's `json` module reads without loss, and its position in the text.
struct PythonJSONValue: Sendable {
    enum Content {
        case null
        case bool(Bool)
        /// The digits of the text, since Python has integers of any size.
        case number(String)
        case string(String)
        case array([PythonJSONValue])
        /// In the order of the text.
        case object([(name: String, value: PythonJSONValue)])
    }

    private let document: JSONDocument
    private let index: Int

    /// Reads a text.
    ///
    /// - Parameter isForKombu: whether to refuse the names that kombu reserves. Kombu itself sends messages with them.
    init(reading bytes: [UInt8], isForKombu: Bool = false) throws(PythonJSONError) {
        let check = PythonJSONCheck(isForKombu: isForKombu)
        self.init(0, of: try check.document(of: bytes))
    }

    private init(_ index: Int, of document: JSONDocument) {
        self.document = document
        self.index = index
    }

    private func value(at index: Int) -> PythonJSONValue { PythonJSONValue(index, of: document) }

    var content: Content {
        switch document.nodes[index].kind {
        case .null: .null
        case .true: .bool(true)
        case .false: .bool(false)
        case .number: .number(document.string(at: index))
        case .string: .string(document.string(at: index))
        case .array: .array(document.indices(of: index).map(value))
        case .object:
            .object(
                document.indices(of: index).map {
                    (document.string(at: $0), value(at: document.value(ofName: $0)))
                })
        }
    }

    /// The bytes of the value in the text.
    var range: Range<Int> { document.nodes[index].writtenRange }

    /// The value as it is written.
    var text: String { String(decoding: document.bytes[range], as: UTF8.self) }

    var isNull: Bool { document.nodes[index].kind == .null }

    var string: String? { if case .string(let value) = content { value } else { nil } }

    var array: [PythonJSONValue]? { if case .array(let value) = content { value } else { nil } }

    var object: [(name: String, value: PythonJSONValue)]? {
        if case .object(let value) = content { value } else { nil }
    }

    /// The member of an object, whose name has the same bytes, as in Python; nil if there is none, or this is not an object.
    subscript(name: String) -> PythonJSONValue? {
        guard document.nodes[index].kind == .object else { return nil }
        return document.member(name, of: index).map(value)
    }

    /// The kind of the value, for error messages.
    var kind: String {
        switch document.nodes[index].kind {
        case .null: "null"
        case .true, .false: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// Checks that a text is JSON, and that Python neither refuses nor changes it.
private struct PythonJSONCheck {
    /// Python fails at about a thousand levels, and at fewer if its stack is already deep.
    private static let maximumDepth = 200
    /// Python 3.11 refuses integers that have more (`sys.get_int_max_str_digits`).
    private static let maximumDigits = 4_300

    let isForKombu: Bool

    func document(of bytes: [UInt8]) throws(PythonJSONError) -> JSONDocument {
        let document: JSONDocument
        do throws(JSONSyntaxError) {
            document = try JSONDocument(scanning: bytes, maximumDepth: Self.maximumDepth)
        } catch {
            throw PythonJSONError(Self.text(error.reason), at: error.position)
        }
        for (index, node) in document.nodes.enumerated() {
            switch node.kind {
            case .number: try checkNumber(at: index, of: document)
            case .object: try checkObject(at: index, of: document)
            case .null, .true, .false, .string, .array: break
            }
        }
        return document
    }

    private func checkNumber(at index: Int, of document: JSONDocument) throws(PythonJSONError) {
        let text = document.string(at: index)
        let position = document.nodes[index].range.lowerBound
        if text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) {
            guard Double(text)?.isFinite == true else {
                throw PythonJSONError(
                    "a number beyond the range of a double, which Python reads as infinity", at: position)
            }
        } else {
            let digits = text.utf8.count - (text.hasPrefix("-") ? 1 : 0)
            guard digits <= Self.maximumDigits else {
                let advice = "send it as a string"
                throw PythonJSONError(
                    "an integer of \(digits) digits, which Python refuses; \(advice)", at: position)
            }
        }
    }

    private func checkObject(at index: Int, of document: JSONDocument) throws(PythonJSONError) {
        let position = document.nodes[index].range.lowerBound
        let members = document.indices(of: index)
        // By their bytes: Swift takes canonically equivalent strings for equal, Python does not.
        let names = Set(members.map { Array(document.string(at: $0).utf8) })
        guard names.count == members.count else {
            throw PythonJSONError(
                "an object with a duplicate name, of which Python keeps one value", at: position)
        }
        // kombu 5.3 and later decodes such an object into a Python type, and fails if it does not know the type.
        guard !isForKombu || names != [Array("__type__".utf8), Array("__value__".utf8)] else {
            throw PythonJSONError("an object of __type__ and __value__, which kombu reserves", at: position)
        }
    }

    private static func text(_ reason: JSONSyntaxError.Reason) -> String {
        switch reason {
        case .invalidUTF8: "invalid UTF-8"
        case .textTooLong: "a text of more than 4 GiB"
        case .extraData: "text after the value"
        case .expectedValue: "not a JSON value"
        case .expectedDigitsInFraction: "a number without digits after its point"
        case .expectedDigitsInExponent: "a number without digits in its exponent"
        case .expectedName: "expected a member's name"
        case .expectedColon: "expected ':'"
        case .expectedCommaOrBracket: "expected ',' or ']'"
        case .expectedCommaOrBrace: "expected ',' or '}'"
        case .nestedTooDeeply: "nested more than \(maximumDepth) levels deep"
        case .invalidEscape: "an unknown escape, or half a surrogate pair"
        case .controlCharacter: "a control character inside a string"
        case .unterminatedString: "an unterminated string"
        }
    }
}

/// The reason why Python would refuse or change a text, and its position.
struct PythonJSONError: Error, CustomStringConvertible {
    let reason: String
    /// The position, in bytes from the beginning of the text.
    let position: Int

    fileprivate init(_ reason: String, at position: Int) {
        self.reason = reason
        self.position = position
    }

    var description: String { "\(reason) (at byte \(position))" }
}
