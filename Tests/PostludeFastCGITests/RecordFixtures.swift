@testable import PostludeFastCGI

/// Bytes as a web server sends them.
enum Wire {
    static func record(
        _ type: UInt8, _ content: [UInt8] = [], id: UInt16 = 1, padding: Int = 0, version: UInt8 = 1
    ) -> [UInt8] {
        [
            version, type, UInt8(id >> 8), UInt8(truncatingIfNeeded: id), UInt8(content.count >> 8),
            UInt8(content.count & 255), UInt8(padding), 0,
        ] + content + [UInt8](repeating: 0xaa, count: padding)
    }

    static func begin(role: UInt8 = 1, keep: Bool = true, id: UInt16 = 1) -> [UInt8] {
        record(1, [0, role, keep ? 1 : 0, 0, 0, 0, 0, 0], id: id)
    }

    static func pair(_ name: String, _ value: String) -> [UInt8] {
        length(name.utf8.count) + length(value.utf8.count) + Array(name.utf8) + Array(value.utf8)
    }

    static func length(_ count: Int) -> [UInt8] {
        count < 128
            ? [UInt8(count)]
            : [
                UInt8(count >> 24) | 0x80, UInt8(count >> 16 & 255), UInt8(count >> 8 & 255),
                UInt8(count & 255),
            ]
    }

    static func params(_ pairs: [(String, String)], id: UInt16 = 1, padding: Int = 0) -> [UInt8] {
        record(4, pairs.flatMap { pair($0.0, $0.1) }, id: id, padding: padding) + record(4, id: id)
    }

    /// A whole request.
    static func request(
        _ pairs: [(String, String)] = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")], body: String = "",
        keep: Bool = true, id: UInt16 = 1
    ) -> [UInt8] {
        begin(keep: keep, id: id) + params(pairs, id: id)
            + (body.isEmpty ? [] : record(5, Array(body.utf8), id: id)) + record(5, id: id)
    }

    static func post(_ body: String, length: String? = nil) -> [UInt8] {
        request(
            [
                ("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/"),
                ("CONTENT_LENGTH", length ?? "\(body.utf8.count)"),
            ], body: body)
    }
}

/// A gate, and the events that it made of the given bytes.
struct GateRun {
    var gate: Gate
    var policy = BodyPolicy.collect(limit: 1 << 20)
    /// All events, in order, as text.
    private(set) var events: [String] = []
    private(set) var heads: [RequestHead] = []
    private(set) var bodies: [[UInt8]] = []
    private(set) var replies: [UInt8] = []
    /// Whether streamed bodies are read to their end, or left to the drain.
    var readsBodies = true
    private(set) var largestPiece = 0

    init(limits: GateLimits = GateLimits()) { gate = Gate(limits: limits) }

    /// Feeds bytes in pieces, and finishes each request as soon as it is complete.
    mutating func feed(_ bytes: [UInt8], pieces: Int = .max) {
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(bytes.count, start + min(pieces, bytes.count))])
            start += piece.count
            guard feed(piece: piece) else { return }
        }
    }

    private mutating func feed(piece: [UInt8]) -> Bool {
        var offset = 0
        let policy = self.policy
        while offset < piece.count {
            do {
                let progress = try gate.advance(piece.span, from: &offset) { _ in policy }
                replies += gate.takeReplies()
                switch progress {
                case .incomplete: if gate.isStreaming { takeBody() }
                case .aborted: events.append("aborted")
                case .request:
                    let (head, body) = gate.takeRequest()
                    heads.append(head)
                    bodies.append(body)
                    events.append("request")
                    if !gate.isStreaming || !readsBodies { gate.finish() }
                case .bodyEnded(let error):
                    takeBody()
                    events.append(error.map { "body: \($0)" } ?? "body")
                    gate.finish()
                    if error != nil { return false }
                case .refused(let refusal):
                    events.append("refused \(refusal)")
                    gate.finish()
                case .closing:
                    events.append("closing")
                    return false
                }
            } catch {
                if gate.isStreaming { takeBody() }
                replies += gate.takeReplies()
                events.append("violation: \(error)")
                return false
            }
        }
        return true
    }

    private mutating func takeBody() {
        let piece = gate.takeBody()
        guard !piece.isEmpty, !bodies.isEmpty else { return }
        largestPiece = max(largestPiece, piece.count)
        bodies[bodies.count - 1] += piece
    }
}
