/// A FastCGI client that sends any bytes, and reads the application's records.
final class FastCGIPeer {
    /// The application closed the connection although a record was expected.
    struct Closed: Error, CustomStringConvertible {
        let description: String
    }

    let socket: StreamSocket
    private var buffer: [UInt8] = []

    init(_ endpoint: Endpoint, from source: String? = nil) throws {
        socket = try StreamSocket(to: endpoint, from: source)
    }

    func send(_ records: Record...) throws { try socket.write(records.flatMap(\.bytes)) }
    func send(_ bytes: [UInt8]) throws { try socket.write(bytes) }
    func send(_ request: RawRequest) throws { try socket.write(request.bytes) }

    /// Writes, and waits until the application has read all of it (Unix sockets), so that the next write
    /// arrives separately.
    func sendApart(_ bytes: [UInt8]) throws {
        try socket.write(bytes)
        try waitUntil("the application reads \(bytes.count) bytes") { socket.peerHasTakenAll }
    }

    /// The application's next record; nil after it has closed the connection.
    func record(within limit: Duration = .eventLimit) throws -> Record? {
        let end = ContinuousClock.now + limit
        while true {
            if let record = try takeRecord() { return record }
            guard let piece = try socket.read(within: end - .now) else {
                guard buffer.isEmpty else { throw Closed(description: "closed inside a record: \(buffer)") }
                return nil
            }
            buffer += piece
        }
    }

    private func takeRecord() throws -> Record? {
        guard buffer.count >= 8 else { return nil }
        let length = Int(buffer[4]) << 8 | Int(buffer[5])
        let total = 8 + length + Int(buffer[6])
        guard buffer.count >= total else { return nil }
        let record = Record(
            version: buffer[0], type: buffer[1], id: UInt16(buffer[2]) << 8 | UInt16(buffer[3]),
            content: Array(buffer[8..<(8 + length)]), padding: buffer[6])
        buffer.removeFirst(total)
        return record
    }

    /// The reply to the request `id`.
    func reply(id: UInt16 = 1, within limit: Duration = .eventLimit) throws -> FastCGIReply {
        var reply = FastCGIReply()
        let end = ContinuousClock.now + limit
        while let record = try record(within: end - .now) {
            switch (record.id, record.type) {
            case (id, Record.stdout): reply.stdout += record.content
            case (id, Record.stderr): reply.stderr += record.content
            case (id, Record.endRequest):
                reply.applicationStatus = record.content.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
                reply.protocolStatus = record.content.count > 4 ? record.content[4] : 0xff
                reply.endedAt = .now
                return reply
            default: reply.others.append(record)
            }
        }
        let soFar = String(decoding: reply.stdout, as: UTF8.self)
        throw Closed(description: "closed before END_REQUEST of request \(id), after: \(soFar)")
    }

    func ask(_ request: RawRequest, within limit: Duration = .eventLimit) throws -> FastCGIReply {
        try send(request)
        return try reply(id: request.id, within: limit)
    }

    /// Whether the application closes the connection. Drops the bytes that it still sends.
    func isClosed(within limit: Duration = .eventLimit) -> Bool {
        let end = ContinuousClock.now + limit
        while true {
            guard let piece = try? socket.read(within: end - .now) else { return ContinuousClock.now < end }
            if piece.isEmpty { return true }
        }
    }
}
