/// A request as nginx sends it, in records. A test can change every part.
struct RawRequest {
    var method = "GET"
    var uri: String
    var body: [UInt8] = []
    /// The value of CONTENT_LENGTH; nil for the body's true length.
    var contentLength: String?
    var parameters: [(String, String)] = []
    var keep = true
    var id: UInt16 = 1
    var padding: UInt8 = 0
    var stdinPiece = 32_768

    init(_ method: String = "GET", _ uri: String) {
        self.method = method
        self.uri = uri
    }

    func with(_ change: (inout RawRequest) -> Void) -> RawRequest {
        var copy = self
        change(&copy)
        return copy
    }

    var pairs: [(String, String)] {
        let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return [
            ("QUERY_STRING", parts.count > 1 ? String(parts[1]) : ""),
            ("REQUEST_METHOD", method),
            ("CONTENT_TYPE", body.isEmpty ? "" : "application/json"),
            ("CONTENT_LENGTH", contentLength ?? (body.isEmpty ? "" : String(body.count))),
            ("SCRIPT_NAME", String(parts[0])),
            ("REQUEST_URI", uri),
            ("DOCUMENT_URI", String(parts[0])),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("REMOTE_ADDR", "127.0.0.1"),
        ] + parameters
    }

    /// BEGIN_REQUEST and the whole PARAMS stream.
    var head: [UInt8] {
        records([.begin(id: id, keep: keep), .params(pairs, id: id), .params([], id: id)])
    }

    var stdin: [UInt8] {
        let pieces = stride(from: 0, to: body.count, by: stdinPiece).map {
            Record.stdin(Array(body[$0..<min(body.count, $0 + stdinPiece)]), id: id)
        }
        return records(pieces + [.stdin([], id: id)])
    }

    var bytes: [UInt8] { head + stdin }

    private func records(_ records: [Record]) -> [UInt8] {
        records.flatMap { record in
            var padded = record
            padded.padding = padding
            return padded.bytes
        }
    }
}
