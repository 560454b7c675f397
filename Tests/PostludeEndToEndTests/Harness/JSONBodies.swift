import Foundation

extension HTTPReply {
    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONBody.decode(type, from: body)
    }
}

extension CGIReply {
    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONBody.decode(type, from: body)
    }
}

private enum JSONBody {
    /// A body with dates as Postlude writes them.
    static func decode<Value: Decodable>(_ type: Value.Type, from body: [UInt8]) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: Data(body))
    }
}
