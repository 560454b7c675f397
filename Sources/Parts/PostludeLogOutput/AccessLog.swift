internal import Glibc
internal import PostludeFastCGI
internal import PostludeJSON
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeSystem

/// The access log: one line for each request, written when its last task has ended.
package final class AccessLog: Sendable {
    enum Format: Sendable {
        case json
        case text(AccessLogFormat)

        init(_ format: Manifest.Log.Access.Format) throws {
            switch format {
            case .json: self = .json
            case .text(let text): self = .text(try AccessLogFormat(parsing: text))
            }
        }
    }

    private let format: Format
    private let sink: any LogSink

    init(_ format: Format, to sink: any LogSink) {
        self.format = format
        self.sink = sink
    }

    package func write(_ record: AccessRecord, tasks: TaskResultCounts = TaskResultCounts()) {
        let values = AccessValues(record: record, tasks: tasks)
        let text =
            switch format {
            case .json: AccessJSON.line(values)
            case .text(let format): AccessText.line(format, values)
            }
        let fields = [
            (key: "request", value: record.requestID), (key: "route", value: record.route),
            (key: "status", value: "\(record.status)"),
        ]
        sink.write(AccessLine(text: text, fields: fields))
    }
}

/// Lines in the manifest's format, with nginx's escapes.
enum AccessText {
    static func line(_ format: AccessLogFormat, _ values: AccessValues) -> [UInt8] {
        var line: [UInt8] = []
        for piece in format.pieces {
            switch piece {
            case .text(let text): line += text.utf8
            case .variable(let variable): append(values.value(variable), to: &line)
            case .header(let name): append(values.parameter(named: name), to: &line)
            }
        }
        return line
    }

    private static func append(_ value: AccessValues.Value, to line: inout [UInt8]) {
        switch value {
        case .absent: line.append(UInt8(ascii: "-"))
        case .number(let digits): line += digits.utf8
        case .text(let text): for byte in text.utf8 { append(byte, to: &line) }
        case .bytes(let bytes): for byte in bytes { append(byte, to: &line) }
        }
    }

    /// Escapes control characters, quotes, backslashes and bytes that are not ASCII, so that a client cannot add a line or a
    /// field.
    private static func append(_ byte: UInt8, to line: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0..<0x20, 0x7f...:
            line += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digit(byte >> 4), digit(byte & 15)]
        default: line.append(byte)
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") - 10 + value
    }
}

/// Lines that are JSON objects, always with the same keys in the same order. Unknown values are `null`.
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
        case .text(let text): JSONString.write(text, to: &line, escapes: .numbersWithDelete)
        case .bytes(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            JSONString.write(text, to: &line, escapes: .numbersWithDelete)
        }
    }
}

/// The values of the access log's variables for one request.
struct AccessValues {
    /// The largest length of a value in bytes, to which longer values are cut, so that lines remain readable.
    private static let limit = 4096

    enum Value {
        /// Bytes from the web server, in an unknown encoding.
        case bytes(ArraySlice<UInt8>)
        case text(String)
        /// A number of digits, with or without a decimal point.
        case number(String)
        case absent
    }

    let record: AccessRecord
    let tasks: TaskResultCounts

    func value(_ variable: AccessLogVariable) -> Value {
        switch variable {
        case .remoteAddress: parameter("REMOTE_ADDR")
        case .remotePort: parameter("REMOTE_PORT")
        case .remoteUser: parameter("REMOTE_USER")
        case .request: requestLine
        case .requestMethod: parameter("REQUEST_METHOD")
        case .requestURI: target.map { .bytes($0) } ?? .absent
        case .uri: record.path.map { .bytes(Array($0.utf8)[...].prefix(Self.limit)) } ?? .absent
        case .arguments, .queryString: parameter("QUERY_STRING")
        case .serverProtocol: parameter("SERVER_PROTOCOL")
        case .serverName: parameter("SERVER_NAME")
        case .scheme: parameter("REQUEST_SCHEME")
        case .host: parameter("HTTP_HOST")
        case .contentType: parameter("CONTENT_TYPE")
        case .contentLength: parameter("CONTENT_LENGTH")
        case .requestID: .text(record.requestID)
        case .status: .number("\(record.status)")
        case .bodyBytesSent: .number("\(record.bodyBytes)")
        case .bytesSent: .number("\(record.bytes)")
        case .route: record.route.isEmpty ? .absent : .text(record.route)
        case .handler: record.handler.isEmpty ? .absent : .text(record.handler)
        case .requestTime: .number(record.duration.secondsText)
        case .tasks: .number("\(tasks.ended)")
        case .tasksFailed: .number("\(tasks.failed)")
        case .tasksLeft: .number("\(tasks.unfinished)")
        case .tasksTime: .number(tasks.time.secondsText)
        case .timeISO8601: .text(record.time.iso8601)
        case .timeLocal: .text(record.time.common)
        case .msec: .number(record.time.sinceEpoch)
        case .pid: .number("\(getpid())")
        case .worker: .number("\(record.worker)")
        }
    }

    /// - Parameter name: the name of a FastCGI parameter.
    func parameter(named name: String) -> Value {
        record.head.value(named: name).map { .bytes($0.prefix(Self.limit)) } ?? .absent
    }

    private func parameter(_ name: StaticString) -> Value {
        record.head.value(name).map { .bytes($0.prefix(Self.limit)) } ?? .absent
    }

    private var target: ArraySlice<UInt8>? {
        record.head.value("REQUEST_URI").map { AbsoluteForm.originForm(of: $0).prefix(Self.limit) }
    }

    private var requestLine: Value {
        guard let method = record.head.value("REQUEST_METHOD"), let target else { return .absent }
        var line = Array(method) + [UInt8(ascii: " ")] + target
        if let version = record.head.value("SERVER_PROTOCOL") { line += [UInt8(ascii: " ")] + version }
        return .bytes(line[...])
    }
}

extension Duration {
    /// The duration in seconds in nginx's notation, such as `0.012`; never negative.
    fileprivate var secondsText: String {
        let milliseconds = max(0, saturatedNanoseconds / 1_000_000)
        let rest = "\(milliseconds % 1000)"
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
    }
}
