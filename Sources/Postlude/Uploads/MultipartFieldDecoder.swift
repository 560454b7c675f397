/// Decodes one value from the last part of a name, or a list from all of them.
final class MultipartFieldDecoder: InputDecoder, Decoder, ScalarContainer {
    private let contents: [MultipartForm.Part.Content]

    override var isAbsent: Bool { contents.isEmpty }

    init(_ contents: [MultipartForm.Part.Content], parent: InputDecoder, step: InputIssue.Location) {
        self.contents = contents
        super.init(parent: parent, step: step)
    }

    func decodeFile() throws -> UploadedFile {
        guard let last = contents.last else { throw InputRule.missing.error(at: codingPath) }
        guard case .file(let file) = last else {
            throw InputRule(message: "Input should be a file", type: "file_type").error(at: codingPath)
        }
        return file
    }

    /// The decoder of the text that the part is.
    private func text() throws -> TextDecoder {
        guard let last = contents.last else { throw InputRule.missing.error(at: codingPath) }
        guard case .text(let text) = last else {
            throw InputRule(message: "Input should be text, not a file", type: "string_type")
                .error(at: codingPath)
        }
        return TextDecoder(text, all: [text], parent: parent ?? self, step: step ?? .key(""))
    }

    override func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try TextDecoder.isForeign(type) ? text().decodeValue(type) : Value(from: self)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try text().container(keyedBy: type)
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard !isAbsent else { throw InputRule.missing.error(at: codingPath) }
        return ListContainer(MultipartList(contents: contents, parent: self), decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { isAbsent }
    func decode(_ type: String.Type) throws -> String { try text().decode(type) }
    func decode(_ type: Bool.Type) throws -> Bool { try text().decode(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decodeValue(type) }
    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value { try text().integer(type) }
    func number<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Value.Type) throws -> Value {
        try text().number(type)
    }
}
