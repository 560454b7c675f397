internal import PostludeManifest

/// A line that is a JSON object: always the same keys, in the same order, `null` for what is not known.
enum AccessJSON {
    private static let variables: [AccessLogVariable] = [
        .requestID, .remoteAddress, .remoteUser, .requestMethod, .requestURI, .serverProtocol, .host, .status,
        .bodyBytesSent, .requestTime, .route, .handler, .tasks, .tasksFailed, .tasksLeft, .tasksTime, .pid,
        .worker,
    ]
    private static let headers = [("http_referer", "HTTP_REFERER"), ("http_user_agent", "HTTP_USER_AGENT")]

    static func line(_ values: AccessValues) -> [UInt8] {
        var line = Array("{\"time\":\"\(values.record.time.utc)\"".utf8)
        for variable in variables { append(variable.rawValue, values.value(variable), to: &line) }
        for (name, parameter) in headers { append(name, values.parameter(named: parameter), to: &line) }
        line.append(UInt8(ascii: "}"))
        return line
    }

    private static func append(_ name: String, _ value: AccessValues.Value, to line: inout [UInt8]) {
        line += ",\"\(name)\":".utf8
        switch value {
        case .absent: line += "null".utf8
        case .number(let digits): line += digits.utf8
        case .text(let text): append(text, to: &line)
        case .bytes(let bytes): append(String(decoding: bytes, as: UTF8.self), to: &line)
        }
    }

    private static func append(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): line += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7f:
                line += "\\u00".utf8
                line += [AccessText.digit(byte >> 4), AccessText.digit(byte & 15)]
            default: line.append(byte)
            }
        }
        line.append(UInt8(ascii: "\""))
    }
}
