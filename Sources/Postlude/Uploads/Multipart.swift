/// A `multipart/form-data` body (RFC 7578), decoded into `Value`: its text fields, and its files, which are on disk.
///
/// ```swift
/// struct Photo: Decodable {
///     var title: String
///     var tags: [String]
///     var image: UploadedFile
///     var preview: UploadedFile?
/// }
///
/// func upload(photo: Multipart<Photo>, tasks: BackgroundTasks) -> [String: String] {
///     tasks.add(makeThumbnail, photo.image)
///     return ["title": photo.title]
/// }
/// ```
///
/// An optional property may be absent. A field that was left empty, file or text, is absent. An array takes all fields of
/// its name; any other property takes the last one. Text is decoded as in a ``Query``, and ``InputFields`` declares the
/// rules for values. The files are kept until the request's last task has ended. If the names of fields are not known in
/// advance, use ``MultipartForm``.
///
/// A body of another type is answered with 415, a malformed one with 400, one that is too large or has more than 1,000
/// fields or 100 files with 413, and one that cannot be decoded as `Value` with 422.
@dynamicMemberLookup
public struct Multipart<Value: Decodable>: RequestInput {
    /// The decoded value.
    public let value: Value

    public init(request: Request) throws {
        value = try MultipartDecoder(MultipartForm(request: request)).decodeInput(Value.self)
    }

    public static var bodyUse: BodyUse { .stream }

    /// Returns a member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Multipart: Sendable where Value: Sendable {}

/// A decoder of the fields of a form, texts and files.
final class MultipartDecoder: InputDecoder, FieldSource {
    private let parts: [MultipartForm.Part]
    /// The parts of each name, in the order in which they arrived.
    private lazy var contents = Dictionary(grouping: parts) { ExactName($0.name) }.mapValues {
        $0.map(\.content)
    }

    init(_ form: MultipartForm) {
        // Browsers send an empty text for a field that was not filled in.
        parts = form.parts.filter { !$0.isEmptyText }
        super.init(source: "body", isText: true)
    }

    var fieldNames: [String] { contents.keys.map(\.text) }

    func field(_ name: String) -> any FormValueDecoder {
        MultipartFieldDecoder(contents[ExactName(name)] ?? [], parent: self, step: .key(name))
    }

    override func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        self.type = type
        return try Value(from: self)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(FieldsContainer(source: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw shapeless }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw shapeless }

    private var shapeless: FieldMisuse { FieldMisuse("\(type) has no properties for a form's fields") }
}

extension MultipartDecoder: FormDecoder {
    func tree() throws -> FormTreeDecoder {
        FormTreeDecoder(
            try .tree(of: parts.map(\.name), for: self),
            of: MultipartContents(contents: parts.map(\.content)),
            continuing: self)
    }
}

/// The contents of a form's parts.
private struct MultipartContents: FormValues {
    let contents: [MultipartForm.Part.Content]

    func decoder(at places: [Int], parent: InputDecoder, step: InputIssue.Location) -> any FormValueDecoder {
        MultipartFieldDecoder(places.map { contents[$0] }, parent: parent, step: step)
    }
}

extension MultipartForm.Part {
    fileprivate var isEmptyText: Bool {
        if case .text("") = content { true } else { false }
    }
}

/// A decoder of one value from the last part of a name, or of a list from all of them.
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

    /// Returns a decoder of the last part's text.
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

/// The parts of one name.
private struct MultipartList: ListValues {
    let contents: [MultipartForm.Part.Content]
    let parent: InputDecoder

    var count: Int { contents.count }

    func decoder(at index: Int) -> MultipartFieldDecoder {
        MultipartFieldDecoder([contents[index]], parent: parent, step: .index(index))
    }
}
