/// A response in CGI's form: fields, an empty line and the body.
struct CGIReply {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: [UInt8]

    init(_ bytes: [UInt8]) {
        let edge = Self.headEnd(bytes) ?? (bytes.count, bytes.count)
        let lines = String(decoding: bytes[..<edge.0], as: UTF8.self).split(whereSeparator: \.isNewline)
        fields = lines.compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return (String(parts[0]), parts[1].trimmingPrefix(" ").description)
        }
        body = Array(bytes[edge.1...])
        let text = fields.first { $0.name.lowercased() == "status" }?.value
        status = text.flatMap { Int($0.prefix(3)) } ?? 200
    }

    static func headEnd(_ bytes: [UInt8]) -> (Int, Int)? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4) where bytes[index..<(index + 4)].elementsEqual([13, 10, 13, 10]) {
            return (index, index + 4)
        }
        return nil
    }

    func field(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var text: String { String(decoding: body, as: UTF8.self) }
}
