internal import FoundationEssentials
public import HTTPTypes
internal import Postlude

/// A response that the client has received, and the tasks after it.
public struct TestResponse: Sendable {
    /// The response's status.
    public let status: HTTPResponse.Status
    /// The header fields as sent to the web server, with `Content-Type` and `Content-Length`.
    public let headers: HTTPFields
    /// The whole body; empty if none is sent.
    public let body: [UInt8]
    /// The tasks that run after this response. None of them has begun.
    public let tasks: TestTasks

    init(_ answer: OfflineWorker.Answer) throws {
        var fields = HTTPFields()
        var status: HTTPResponse.Status?
        // The lines of a response's head end with CR LF, which makes one Character.
        for line in String(decoding: answer.head, as: UTF8.self).split(separator: "\r\n") {
            let parts = line.split(separator: ": ", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else {
                throw MalformedHead(line: String(line))
            }
            if name.canonicalName == "status" {
                status = Int(parts[1].prefix(3)).map {
                    HTTPResponse.Status(code: $0, reasonPhrase: String(parts[1].dropFirst(4)))
                }
            } else {
                fields.append(HTTPField(name: name, value: String(parts[1])))
            }
        }
        guard let status else { throw MalformedHead(line: "(no Status)") }
        self.status = status
        headers = fields
        body = answer.body
        tasks = TestTasks(answer.tasks)
    }

    /// The body as UTF-8.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// Decodes the body from JSON, with dates in ISO 8601.
    ///
    /// - Throws: a `DecodingError` if the body cannot be decoded.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try StoredValues.decode(type, from: Data(body), takingNumbers: false)
    }
}

/// A response head that a web server could not parse.
struct MalformedHead: Error, CustomStringConvertible {
    let line: String
    var description: String { "the response's head has a line that is not a field: \(line)" }
}
