internal import Glibc
internal import PostludeFastCGI
internal import PostludeSystem

/// A FastCGI client that sends one request, as a web server does. Responses are limited in size and time.
struct FastCGIClient {
    static let largestAnswer = 16 << 20
    private let address: SocketAddress
    private let time: Duration

    /// - Parameter time: the time limit for the whole exchange.
    init(_ address: SocketAddress, within time: Duration = .seconds(5)) {
        self.address = address
        self.time = time
    }

    /// Sends a GET request, and returns the body of the response.
    func get(_ target: String) throws(FastCGIClientError) -> [UInt8] {
        let deadline = MonotonicTime.now + time
        let descriptor = try connect()
        defer { close(descriptor) }
        try send(Self.request(target), to: descriptor, until: deadline)
        return try body(of: answer(from: descriptor, until: deadline))
    }

    // MARK: The socket

    private func connect() throws(FastCGIClientError) -> Int32 {
        let descriptor: Int32
        do throws(SystemError) {
            descriptor = try address.connect(within: max(1, Int(time.components.seconds)))
        } catch {
            throw .noConnection(error)
        }
        return descriptor
    }

    private func send(
        _ bytes: [UInt8], to descriptor: Int32, until deadline: MonotonicTime
    ) throws(FastCGIClientError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(for: POLLOUT, on: descriptor, until: deadline)
            let count = rest.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EAGAIN, errno != EINTR {
                throw .broken(SystemError("send(\(address))"))
            }
        }
    }

    /// Receives a response, and returns its STDOUT stream.
    private func answer(
        from descriptor: Int32, until deadline: MonotonicTime
    ) throws(FastCGIClientError) -> [UInt8] {
        var (held, output) = ([UInt8](), [UInt8]())
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            while let record = try record(from: &held) {
                switch record.type {
                case .stdout: output += record.content
                case .endRequest: return output
                default: break
                }
            }
            guard output.count <= Self.largestAnswer else { throw .noAnswer("more than 16 MiB") }
            try wait(for: POLLIN, on: descriptor, until: deadline)
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                held += buffer.prefix(count)
            } else if count == 0 {
                throw .noAnswer("the connection was closed before the end of the answer")
            } else if errno != EAGAIN, errno != EINTR {
                throw .broken(SystemError("recv(\(address))"))
            }
        }
    }

    private func record(from held: inout [UInt8]) throws(FastCGIClientError) -> FastCGIRecord? {
        do throws(ProtocolViolation) {
            return try FastCGIRecord(takenFrom: &held)
        } catch {
            throw .noAnswer("\(error)")
        }
    }

    private func wait(
        for event: Int32, on descriptor: Int32, until deadline: MonotonicTime
    ) throws(FastCGIClientError) {
        let left = (deadline - .now).saturatedNanoseconds / 1_000_000
        guard left > 0 else { throw .noAnswer("no answer within \(time)") }
        var polled = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        // The result is ignored: the call after it reports the error.
        _ = poll(&polled, 1, Int32(clamping: left))
    }

    // MARK: The protocol

    private static func request(_ target: String) -> [UInt8] {
        let path = target.prefix { $0 != "?" }
        let parameters = [
            ("REQUEST_METHOD", "GET"), ("REQUEST_URI", target), ("SCRIPT_NAME", String(path)),
            ("QUERY_STRING", String(target.dropFirst(path.count + 1))), ("SERVER_PROTOCOL", "HTTP/1.1"),
            (StatusReader.commandParameter, "1"),
        ]
        var stream: [UInt8] = []
        for (name, value) in parameters { NameValuePairs.append(name: name, value: value, to: &stream) }
        return FastCGIRecord(type: .beginRequest, content: [0, 1, 0, 0, 0, 0, 0, 0]).bytes
            + FastCGIRecord(type: .params, content: stream).bytes
            + FastCGIRecord(type: .params, content: []).bytes
            + FastCGIRecord(type: .stdin, content: []).bytes
    }

    /// Removes the header fields (CGI, RFC 3875, 6).
    private func body(of output: [UInt8]) throws(FastCGIClientError) -> [UInt8] {
        guard let edge = output.firstIndex(of: Array("\r\n\r\n".utf8), from: 0) else {
            throw .noAnswer("the answer has no header fields")
        }
        let head = String(decoding: output[..<edge], as: UTF8.self)
        for line in head.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix("status:") {
            let status = line.dropFirst("status:".count).drop { $0 == " " }
            guard status.hasPrefix("200") else { throw .noAnswer("it answers \(status)") }
        }
        return Array(output[(edge + 4)...])
    }
}

/// The reason why there is no response, with advice.
enum FastCGIClientError: Error, CustomStringConvertible {
    case noConnection(SystemError)
    case broken(SystemError)
    case noAnswer(String)

    var description: String {
        switch self {
        case .noConnection(let error):
            switch error.errno {
            case ENOENT:
                "\(error.operation): there is no such socket; is the server running, with `status` in its manifest?"
            case ECONNREFUSED: "\(error.operation): nothing listens there; is the server running?"
            case EACCES:
                "\(error.operation): not allowed; see the owner, group and mode of `status` in the manifest"
            default: "\(error)"
            }
        case .broken(let error): "\(error)"
        case .noAnswer(let reason): "the status socket does not answer: \(reason)"
        }
    }
}
