internal import PostludeJSON

/// JSON texts, for those who pass them on as they are.
package enum JSONText {
    /// The texts of an array's elements, as they are written.
    ///
    /// - Returns: nil if it is not an array, or not JSON.
    package static func elements(of array: some Sequence<UInt8>) -> [String]? {
        (try? PythonJSONValue(reading: Array(array)))?.array?.map(\.text)
    }

    /// What kind of value it is, in an error's words; nil if it is not JSON.
    package static func kind(of text: some Sequence<UInt8>) -> String? {
        (try? PythonJSONValue(reading: Array(text)))?.kind
    }

    /// The text with plain values in place of the objects that kombu (5.3 and later) makes of Python's own types:
    /// `{"__type__": "datetime", "__value__": "2030-01-31T12:00:00"}` is the text of the time; `date`, `time`, `uuid` and
    /// `decimal` are such types, too. Other objects stay as they are.
    package static func plain(_ text: String) -> String {
        let bytes = Array(text.utf8)
        // Most have none.
        guard text.contains("__type__"), let value = try? PythonJSONValue(reading: bytes) else { return text }
        var result: [UInt8] = []
        var position = 0
        replace(value, in: bytes, from: &position, into: &result)
        result += bytes[position...]
        return String(decoding: result, as: UTF8.self)
    }

    private static func replace(
        _ value: PythonJSONValue, in bytes: [UInt8], from position: inout Int, into result: inout [UInt8]
    ) {
        if let plain = value.plainOfPython {
            result += bytes[position..<value.range.lowerBound]
            result += plain
            position = value.range.upperBound
            return
        }
        for element in value.array ?? value.object?.map(\.value) ?? [] {
            replace(element, in: bytes, from: &position, into: &result)
        }
    }
}

extension PythonJSONValue {
    /// As JSON text; nil for what kombu has not made.
    fileprivate var plainOfPython: [UInt8]? {
        guard let members = object, members.count == 2, let type = self["__type__"]?.string,
            let value = self["__value__"]
        else { return nil }
        func quoted(_ text: String) -> [UInt8] {
            var bytes: [UInt8] = []
            JSONString.write(text, to: &bytes, escapes: .numbers)
            return bytes
        }
        switch type {
        case "datetime", "date", "time": return value.string.map(quoted)
        case "decimal":
            guard let text = value.string else { return nil }
            let bytes = Array(text.utf8)
            // Not NaN, which JSON has no number for.
            if case .number? = (try? PythonJSONValue(reading: bytes))?.content { return bytes }
            return quoted(text)
        case "uuid":
            guard let digits = value["hex"]?.string, digits.utf8.count == 32,
                digits.allSatisfy({ $0.isASCII && $0.isHexDigit })
            else { return nil }
            var text = ""
            for (index, digit) in digits.lowercased().enumerated() {
                if [8, 12, 16, 20].contains(index) { text += "-" }
                text.append(digit)
            }
            return quoted(text)
        default: return nil
        }
    }
}
