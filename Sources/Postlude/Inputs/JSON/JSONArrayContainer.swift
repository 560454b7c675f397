/// The elements of a JSON array.
struct JSONArrayContainer: UnkeyedDecodingContainer {
    private let decoder: JSONNodeDecoder
    /// The elements' nodes.
    private let elements: [Int]
    private(set) var currentIndex = 0

    init(decoder: JSONNodeDecoder, elements: [Int]) {
        self.decoder = decoder
        self.elements = elements
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    mutating func decodeNil() throws -> Bool {
        guard try next(Never.self).decodeNil() else { return false }
        currentIndex += 1
        return true
    }

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
        let container = try next([String: JSON].self).container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try next([JSON].self).unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try next(JSON.self)
        currentIndex += 1
        return decoder
    }

    private func next(_ type: any Any.Type) throws -> JSONNodeDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, .init(codingPath: codingPath, debugDescription: "Field required"))
        }
        return JSONNodeDecoder(elements[currentIndex], parent: decoder, step: .index(currentIndex))
    }
}
