package import FoundationEssentials
internal import PostludeDates

/// Values that outlive their request: of durable tasks, of what they return, and of those that leave for another program.
package enum StoredValues {
    /// Dates are text, and so are they in Python (`datetime.isoformat()`).
    package static func encode(_ value: some Encodable) throws -> Data {
        Data(try JSONFormat().encode(value))
    }

    /// Reads also what Python writes, whose times without an offset are in UTC here, and the numbers that earlier versions
    /// have written for dates: seconds since 2001.
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
