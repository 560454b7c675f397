package import FoundationEssentials
internal import PostludeDates
internal import PostludeJSON

/// Encodes and decodes values that outlive their request: durable tasks, their results, and tasks for other programs.
package enum StoredValues {
    /// Encodes a value as JSON. Dates are text, as they are in Python (`datetime.isoformat()`).
    package static func encode(_ value: some Encodable) throws -> Data {
        Data(try JSONFormat().encode(value))
    }

    /// Writes JSON of any shape, much faster than an encoder.
    ///
    /// - Throws: an `EncodingError` for a number that is not finite.
    package static func encode(_ value: JSONValue) throws -> Data {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        try write(value, to: &bytes)
        return Data(bytes)
    }

    private static func write(_ value: JSONValue, to bytes: inout [UInt8]) throws {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += "\(number)".utf8
        case .number(let number):
            guard number.isFinite else {
                throw EncodingError.invalidValue(
                    number, .init(codingPath: [], debugDescription: "JSON has no number \(number)"))
            }
            bytes += "\(number)".utf8
        case .string(let text): JSONString.write(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                try write(element, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONString.write(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                try write(member.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Reads JSON of any shape.
    ///
    /// - Throws: a `DecodingError` if it is not JSON.
    package static func json(from data: Data) throws -> JSONValue {
        do {
            return try JSONDocument(body: Array(data)).value(at: 0)
        } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "\(error)"))
        }
    }

    /// Decodes a value from JSON. Also reads dates that Python has written, in UTC if they have no offset.
    ///
    /// - Parameter takesNumbers: whether a date may be a number of seconds since 2001, as earlier versions have written it.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data, takingNumbers takesNumbers: Bool = true
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            if takesNumbers, let seconds = try? container.decode(Double.self) {
                return Date(timeIntervalSinceReferenceDate: seconds)
            }
            guard let date = DateText.date(try container.decode(String.self), assumesUTC: true) else {
                throw InputRule.dateTime.error(at: decoder.codingPath)
            }
            return date
        }
        return try decoder.decode(type, from: data)
    }
}
