import Foundation
import HTTPTypes
import PostludeRouting

@testable import Postlude

/// A form as clients send it, and a request that gets it in pieces.
struct MultipartFixture {
    var boundary = "edge"
    var contentType: String?
    var body: [UInt8] = []
    /// The number of bytes in a piece.
    var pieceSize = Int.max
    var folder = "/var/tmp"
    var limits = MultipartLimits()
    var log = RecordedLog()

    /// Adds a part; `head` follows `Content-Disposition: form-data; `.
    mutating func add(_ head: String, _ content: some Sequence<UInt8>) {
        body += Array("--\(boundary)\r\nContent-Disposition: form-data; \(head)\r\n\r\n".utf8)
        body += Array(content) + [13, 10]
    }

    mutating func add(_ head: String, _ content: String) { add(head, content.utf8) }

    mutating func close() { body += Array("--\(boundary)--\r\n".utf8) }

    /// A complete form of these parts.
    static func form(_ parts: (head: String, content: String)...) -> MultipartFixture {
        var fixture = MultipartFixture()
        for part in parts { fixture.add(part.head, part.content) }
        fixture.close()
        return fixture
    }

    static func raw(_ body: String) -> MultipartFixture { MultipartFixture(body: Array(body.utf8)) }

    func request() throws -> Request {
        let type = contentType ?? "multipart/form-data; boundary=\(boundary)"
        let fixture = RequestFixture(
            method: "POST", parameters: type.isEmpty ? [] : [("CONTENT_TYPE", type)], log: log)
        var rest = body[...]
        let source = BodySource { _ in
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(pieceSize) }
            return Array(rest.prefix(pieceSize))
        }
        return Request(
            RequestStorage(
                method: .post, path: try RoutePath(requestURI: "/".utf8), route: "/",
                parameters: Request.Parameters(values: RouteParameters()), head: try fixture.head(),
                body: source,
                tasks: TaskQueueSource(
                    registry: TaskRegistry(), limits: fixture.limits, logger: log.logger),
                uploadFolder: folder))
    }

    func form() throws -> MultipartForm { try MultipartForm(request: request(), limits: limits) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try Multipart<Value>(request: request()).value
    }

    /// The fields as text: `name=value` and `name<filename,type>=content`.
    func summary() throws -> [String] {
        try form().parts.map { part in
            switch part.content {
            case .text(let text): return "\(part.name)=\(text)"
            case .file(let file):
                let content = String(decoding: try file.contents(limit: .max), as: UTF8.self)
                return "\(part.name)<\(file.filename ?? "-"),\(file.contentType ?? "-")>=\(content)"
            }
        }
    }

    /// The client's error: `400 Malformed …`; empty if the form is accepted.
    func refusal() -> String {
        do {
            _ = try form()
            return ""
        } catch let error as HTTPError {
            return "\(error.status.code) \(error.detail)"
        } catch {
            return "\(error)"
        }
    }
}
