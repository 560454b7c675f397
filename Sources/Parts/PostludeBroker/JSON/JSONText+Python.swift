extension JSONText {
    /// Replaces the objects with which kombu (5.3 and later) represents Python's own types by plain values:
    /// `{"__type__": "datetime", "__value__": "2030-01-31T12:00:00"}` becomes the text of the time; `date`, `time`, `uuid` and
    /// `decimal` are replaced in the same way. Other objects stay as they are.
    package static func plain(_ text: String) -> String {
        let bytes = Array(text.utf8)
        // Most have none.
        guard text.contains("__type__"), let value = try? JSONReader.read(bytes) else { return text }
        var result: [UInt8] = []
        var position = 0
        replace(value, in: bytes, from: &position, into: &result)
        result += bytes[position...]
        return String(decoding: result, as: UTF8.self)
    }

    private static func replace(
        _ value: JSONValue, in bytes: [UInt8], from position: inout Int, into result: inout [UInt8]
    ) {
        if let plain = value.plainOfPython {
            result += bytes[position..<value.range.lowerBound]
            result += plain.utf8
            position = value.range.upperBound
            return
        }
        for element in value.array ?? value.object?.map(\.value) ?? [] {
            replace(element, in: bytes, from: &position, into: &result)
        }
    }
}

extension JSONValue {
    /// As JSON text; nil for what kombu has not made.
    fileprivate var plainOfPython: String? {
        guard let members = object, members.count == 2, let type = self["__type__"]?.string,
            let value = self["__value__"]
        else { return nil }
        switch type {
        case "datetime", "date", "time": return value.string.map(JSONText.quoted)
        case "decimal":
            guard let text = value.string else { return nil }
            // A number is written as it is; NaN, which is not a JSON number, becomes a string.
            if case .number? = (try? JSONReader.read(Array(text.utf8)))?.content { return text }
            return JSONText.quoted(text)
        case "uuid":
            guard let digits = value["hex"]?.string, digits.utf8.count == 32,
                digits.allSatisfy({ $0.isASCII && $0.isHexDigit })
            else { return nil }
            var text = ""
            for (index, digit) in digits.lowercased().enumerated() {
                if [8, 12, 16, 20].contains(index) { text += "-" }
                text.append(digit)
            }
            return JSONText.quoted(text)
        default: return nil
        }
    }
}
