/// The parts of one name.
struct MultipartListContainer: UnkeyedDecodingContainer {
    private let contents: [MultipartForm.Part.Content]
    private let decoder: InputDecoder
    private(set) var currentIndex = 0

    init(_ contents: [MultipartForm.Part.Content], decoder: InputDecoder) {
        self.contents = contents
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { contents.count }
    var isAtEnd: Bool { currentIndex >= contents.count }

    mutating func decodeNil() throws -> Bool { false }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            let value = try next(type).decodeValue(type)
            currentIndex += 1
            return value
        } catch let error as DecodingError {
            guard decoder.report.depth > 0, !isAtEnd else { throw error }
            // Within a field every wrong element is reported.
            decoder.report.add(error)
            currentIndex += 1
            while !isAtEnd, !decoder.report.isFull {
                do {
                    _ = try next(type).decodeValue(type)
                } catch let error as DecodingError {
                    decoder.report.add(error)
                }
                currentIndex += 1
            }
            throw decoder.report.reported(at: codingPath)
        }
    }

    mutating func nestedContainer<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        try next([String: String].self).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next([String].self).unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try next(String.self) }

    private func next(_ type: any Any.Type) throws -> MultipartFieldDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, .init(codingPath: codingPath, debugDescription: "Field required"))
        }
        return MultipartFieldDecoder([contents[currentIndex]], parent: decoder, step: .index(currentIndex))
    }
}
