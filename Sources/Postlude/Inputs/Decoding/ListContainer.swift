/// The values of a list on their way to Swift types, one after another: of JSON, of a repeated parameter, of a form.
struct ListContainer<Values: ListValues>: UnkeyedDecodingContainer {
    private let values: Values
    private let decoder: InputDecoder
    private(set) var currentIndex = 0

    init(_ values: Values, decoder: InputDecoder) {
        self.values = values
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    mutating func decodeNil() throws -> Bool {
        guard try next(Never.self).decodeNil() else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try take(type) { try $0.decodeValue(type) }
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
        try take([String: String].self) { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try take([String].self) { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try take(String.self) { $0 } }

    /// Goes on to the next element when `body` has returned.
    private mutating func take<Result>(
        _ type: any Any.Type, _ body: (Values.ElementDecoder) throws -> Result
    ) throws -> Result {
        let result = try body(next(type))
        currentIndex += 1
        return result
    }

    private func next(_ type: any Any.Type) throws -> Values.ElementDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, .init(codingPath: codingPath, debugDescription: "Field required"))
        }
        return values.decoder(at: currentIndex)
    }
}

/// Where the elements of a ``ListContainer`` come from.
protocol ListValues {
    associatedtype ElementDecoder: InputDecoder & Decoder & SingleValueDecodingContainer

    var count: Int { get }

    /// - Parameter index: less than `count`.
    func decoder(at index: Int) -> ElementDecoder
}
