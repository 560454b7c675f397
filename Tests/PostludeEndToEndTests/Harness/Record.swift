/// One FastCGI record. A test can make every field wrong.
struct Record: Equatable {
    static let beginRequest: UInt8 = 1
    static let abortRequest: UInt8 = 2
    static let endRequest: UInt8 = 3
    static let params: UInt8 = 4
    static let stdin: UInt8 = 5
    static let stdout: UInt8 = 6
    static let stderr: UInt8 = 7
    static let getValues: UInt8 = 9
    static let getValuesResult: UInt8 = 10
    static let unknownType: UInt8 = 11

    var version: UInt8 = 1
    var type: UInt8
    var id: UInt16
    var content: [UInt8]
    var padding: UInt8 = 0

    var bytes: [UInt8] {
        let length = UInt16(content.count)
        let header = [
            version, type, UInt8(id >> 8), UInt8(id & 0xff), UInt8(length >> 8), UInt8(length & 0xff),
            padding, 0,
        ]
        return header + content + [UInt8](repeating: 0xa5, count: Int(padding))
    }

    static func begin(id: UInt16 = 1, role: UInt16 = 1, keep: Bool = true) -> Record {
        let flags: UInt8 = keep ? 1 : 0
        return Record(
            type: beginRequest, id: id, content: [UInt8(role >> 8), UInt8(role & 0xff), flags, 0, 0, 0, 0, 0])
    }

    static func params(_ pairs: [(String, String)], id: UInt16 = 1) -> Record {
        Record(type: params, id: id, content: encode(pairs.map { (Array($0.utf8), Array($1.utf8)) }))
    }

    static func stdin(_ content: [UInt8], id: UInt16 = 1) -> Record {
        Record(type: stdin, id: id, content: content)
    }

    static func abort(id: UInt16 = 1) -> Record { Record(type: abortRequest, id: id, content: []) }

    static func getValues(_ names: [String]) -> Record {
        Record(type: getValues, id: 0, content: encode(names.map { (Array($0.utf8), []) }))
    }

    /// Name-value pairs as in FastCGI 1.0, section 3.4.
    static func encode(_ pairs: [([UInt8], [UInt8])]) -> [UInt8] {
        pairs.flatMap { length($0.count) + length($1.count) + $0 + $1 }
    }

    static func length(_ count: Int) -> [UInt8] {
        if count < 128 { return [UInt8(count)] }
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) | ($0 == 24 ? 0x80 : 0) }
    }

    /// The pairs in a GET_VALUES_RESULT with short names and values.
    var pairs: [String: String] {
        var found: [String: String] = [:]
        var rest = content[...]
        while rest.count >= 2, let name = rest.popFirst(), let value = rest.popFirst(),
            rest.count >= Int(name) + Int(value)
        {
            let key = String(decoding: rest.prefix(Int(name)), as: UTF8.self)
            rest = rest.dropFirst(Int(name))
            found[key] = String(decoding: rest.prefix(Int(value)), as: UTF8.self)
            rest = rest.dropFirst(Int(value))
        }
        return found
    }
}
