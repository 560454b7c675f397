/// An HTTP/1.1 client that adds only Host and Content-Length, and records when each byte arrived.
final class HTTPClient {
    let socket: StreamSocket
    private var buffer: [UInt8] = []
    private var received = 0
    private var arrivals: [(held: Int, at: ContinuousClock.Instant)] = []

    init(port: UInt16) throws {
        socket = try StreamSocket(to: .tcp("127.0.0.1", port))
    }

    /// - Parameter fields: header lines. A Content-Length is added for a body unless they say how it is sent.
    func send(_ method: String, _ target: String, fields: [String] = [], body: [UInt8] = []) throws {
        let says = fields.contains { $0.hasPrefix("Content-Length") || $0.hasPrefix("Transfer-Encoding") }
        let length = body.isEmpty || says ? [] : ["Content-Length: \(body.count)"]
        let lines = ["\(method) \(target) HTTP/1.1", "Host: localhost"] + fields + length
        try socket.write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    func ask(_ method: String, _ target: String, fields: [String] = [], body: [UInt8] = []) throws
        -> HTTPReply
    {
        try send(method, target, fields: fields, body: body)
        return try reply(to: method)
    }

    func ask(_ method: String, _ target: String, json: String) throws -> HTTPReply {
        try ask(method, target, fields: ["Content-Type: application/json"], body: Array(json.utf8))
    }

    func reply(to method: String = "GET", within limit: Duration = .eventLimit) throws -> HTTPReply {
        let end = ContinuousClock.now + limit
        arrivals = []
        received = buffer.count
        while CGIReply.headEnd(buffer) == nil { try more(end) }
        guard let edge = CGIReply.headEnd(buffer) else { throw TimedOut(description: "no head") }
        let head = CGIReply(Array(buffer[..<edge.1]))
        let status = String(decoding: buffer.dropFirst(9).prefix(3), as: UTF8.self)
        buffer.removeFirst(edge.1)
        let body = try body(of: head, to: method, status: Int(status) ?? 0, until: end)
        return HTTPReply(
            status: Int(status) ?? 0, head: head, body: body, endedAt: .now, arrivals: arrivals)
    }

    private func body(
        of head: CGIReply, to method: String, status: Int, until end: ContinuousClock.Instant
    ) throws -> [UInt8] {
        if method == "HEAD" || status == 204 || status == 304 { return [] }
        if let length = head.field("Content-Length").flatMap({ Int($0) }) { return try take(length, end) }
        if head.field("Transfer-Encoding") == "chunked" {
            var body: [UInt8] = []
            while true {
                let line = try takeLine(end)
                guard let size = Int(line, radix: 16) else {
                    throw TimedOut(description: "bad chunk: \(line)")
                }
                body += try take(size, end)
                _ = try takeLine(end)
                if size == 0 { return body }
            }
        }
        while let piece = try socket.read(within: end - .now) { hold(piece) }
        defer { buffer = [] }
        return buffer
    }

    private func take(_ count: Int, _ end: ContinuousClock.Instant) throws -> [UInt8] {
        while buffer.count < count { try more(end) }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    private func takeLine(_ end: ContinuousClock.Instant) throws -> String {
        while true {
            if let newline = buffer.firstIndex(of: 10) {
                defer { buffer.removeFirst(newline + 1) }
                return String(decoding: buffer[..<max(0, newline - 1)], as: UTF8.self)
            }
            try more(end)
        }
    }

    private func more(_ end: ContinuousClock.Instant) throws {
        guard let piece = try socket.read(within: end - .now) else {
            let held = String(decoding: buffer, as: UTF8.self)
            throw FastCGIPeer.Closed(description: "closed inside a response, after: \(held)")
        }
        hold(piece)
    }

    private func hold(_ piece: [UInt8]) {
        buffer += piece
        received += piece.count
        arrivals.append((received, .now))
    }
}
