internal import Glibc
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeSystem

/// A line for each request, when its last task has ended.
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

    package func write(_ record: AccessRecord, tasks: TaskTally = TaskTally()) {
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

/// The values of the access log's variables for one request.
struct AccessValues {
    /// A value that is longer is cut: a line is meant to be read.
    private static let limit = 4096

    enum Value {
        /// What the web server has sent, in whatever encoding.
        case bytes(ArraySlice<UInt8>)
        case text(String)
        /// Digits and a point.
        case number(String)
        case absent
    }

    let record: AccessRecord
    let tasks: TaskTally

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
        case .tasksLeft: .number("\(tasks.left)")
        case .tasksTime: .number(tasks.time.secondsText)
        case .timeISO8601: .text(record.time.iso8601)
        case .timeLocal: .text(record.time.common)
        case .msec: .number(record.time.sinceEpoch)
        case .pid: .number("\(getpid())")
        case .worker: .number("\(record.worker)")
        }
    }

    /// - Parameter name: of a FastCGI parameter.
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
    /// `0.012`, as nginx has it; never negative.
    fileprivate var secondsText: String {
        let milliseconds = max(0, saturatedNanoseconds / 1_000_000)
        let rest = "\(milliseconds % 1000)"
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
    }
}
