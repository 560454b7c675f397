public import HTTPTypes
internal import Postlude

/// A request as a client would send it.
///
/// ```swift
/// try await app.send(.post("/send?email=ada@example.org"))
/// try await app.send(.put("/items/7", json: Item(name: "tea"), headers: [.authorization: "Bearer …"]))
/// try await app.send(.post("/notes", multipart: [.file("note", filename: "tea.txt", Array("Two cups".utf8))]))
/// ```
public struct TestRequest: Sendable {
    /// The method, as in the request line.
    public var method: HTTPRequest.Method
    /// The path with its query, as in the request line.
    public var target: String
    /// The header fields. `Content-Length` is set from the body, if there is one.
    public var headers: HTTPFields
    /// The body, which arrives as a whole.
    public var body: [UInt8]
    /// The client's address (`REMOTE_ADDR`).
    public var remoteAddress = "127.0.0.1"
    /// Whether the web server receives the whole response, on which tasks can depend.
    public var isResponseTaken = true
    /// The number of pieces of a streamed response after which the client disconnects; nil, the default, for never. An
    /// endless stream needs it.
    public var takenPieces: Int?
    /// Whether the request is past its time limit (`limits.request-timeout`) before its handler is called. The handler
    /// finds it cancelled, and the client gets 504 whatever the handler returns.
    public var isCancelled = false

    /// Creates a request of any kind.
    public init(
        _ method: HTTPRequest.Method, _ target: String, body: [UInt8] = [], headers: HTTPFields = [:]
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// Returns a GET request.
    public static func get(_ target: String, headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.get, target, headers: headers)
    }

    /// Returns a HEAD request.
    public static func head(_ target: String, headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.head, target, headers: headers)
    }

    /// Returns a DELETE request.
    public static func delete(_ target: String, headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.delete, target, headers: headers)
    }

    /// Returns a POST request with a body of bytes.
    public static func post(_ target: String, body: [UInt8] = [], headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.post, target, body: body, headers: headers)
    }

    /// Returns a PUT request with a body of bytes.
    public static func put(_ target: String, body: [UInt8] = [], headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.put, target, body: body, headers: headers)
    }

    /// Returns a PATCH request with a body of bytes.
    public static func patch(_ target: String, body: [UInt8] = [], headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.patch, target, body: body, headers: headers)
    }

    /// Returns a POST request with a JSON body.
    ///
    /// - Throws: the error of the value's `encode(to:)`.
    public static func post(
        _ target: String, json: some Encodable, headers: HTTPFields = [:]
    ) throws -> TestRequest {
        try TestRequest(.post, target, headers: headers).with(json: json)
    }

    /// Returns a PUT request with a JSON body.
    ///
    /// - Throws: the error of the value's `encode(to:)`.
    public static func put(
        _ target: String, json: some Encodable, headers: HTTPFields = [:]
    ) throws -> TestRequest {
        try TestRequest(.put, target, headers: headers).with(json: json)
    }

    /// Returns a PATCH request with a JSON body.
    ///
    /// - Throws: the error of the value's `encode(to:)`.
    public static func patch(
        _ target: String, json: some Encodable, headers: HTTPFields = [:]
    ) throws -> TestRequest {
        try TestRequest(.patch, target, headers: headers).with(json: json)
    }

    /// Returns a POST request with an HTML form (`application/x-www-form-urlencoded`).
    public static func post(
        _ target: String, form: KeyValuePairs<String, String>, headers: HTTPFields = [:]
    ) -> TestRequest {
        var request = TestRequest(.post, target, headers: headers)
        request.headers[.contentType] = "application/x-www-form-urlencoded"
        let items = form.map { name, value in "\(encoded(name))=\(encoded(value))" }
        request.body = Array(items.joined(separator: "&").utf8)
        return request
    }

    /// Returns a POST request with a form of texts and files (`multipart/form-data`).
    public static func post(
        _ target: String, multipart parts: [TestFormPart], headers: HTTPFields = [:]
    ) -> TestRequest {
        let boundary = parts.boundary
        var request = TestRequest(.post, target, body: parts.body(boundary: boundary), headers: headers)
        request.headers[.contentType] = "multipart/form-data; boundary=\(boundary)"
        return request
    }

    private func with(json value: some Encodable) throws -> TestRequest {
        var request = self
        request.headers[.contentType] = request.headers[.contentType] ?? "application/json"
        request.body = try JSONFormat().encode(value)
        return request
    }

    /// Escapes everything except letters, digits and `-._~` (RFC 3986, 2.3).
    private static func encoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            let scalar = Unicode.Scalar(byte)
            if byte < 0x80,
                Character(scalar).isLetter || Character(scalar).isNumber
                    || "-._~".unicodeScalars.contains(scalar)
            {
                result.unicodeScalars.append(scalar)
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }

    /// The FastCGI parameters that a web server sends, as in nginx's `fastcgi_params`.
    var parameters: [(name: String, value: String)] {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        var parameters = [
            ("REQUEST_METHOD", method.rawValue), ("REQUEST_URI", target), ("DOCUMENT_URI", parts[0]),
            ("QUERY_STRING", parts.count > 1 ? parts[1] : ""),
            ("CONTENT_TYPE", headers[.contentType] ?? ""),
            ("CONTENT_LENGTH", body.isEmpty ? headers[.contentLength] ?? "" : "\(body.count)"),
            ("SERVER_PROTOCOL", "HTTP/1.1"), ("REQUEST_SCHEME", "http"), ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("REMOTE_ADDR", remoteAddress), ("SERVER_NAME", "localhost"),
        ]
        for field in headers where field.name != .contentType && field.name != .contentLength {
            let name = field.name.canonicalName.uppercased().map { $0 == "-" ? "_" : $0 }
            parameters.append(("HTTP_" + String(name), field.value))
        }
        return parameters
    }
}

/// A text or file field of a `multipart/form-data` form.
///
/// ```swift
/// try await app.send(
///     .post("/photos", multipart: [.text("title", "Sea"), .file("image", filename: "sea.png", png)]))
/// ```
public struct TestFormPart: Sendable {
    /// The field's name.
    public var name: String
    /// The client's name for the file; nil for a text.
    public var filename: String?
    /// The `Content-Type` of the part; nil to send none.
    public var contentType: String?
    /// The text in UTF-8, or the content of the file.
    public var content: [UInt8]

    /// Creates a part of any kind, including those that a browser would not send.
    public init(_ name: String, filename: String? = nil, contentType: String? = nil, content: [UInt8]) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
        self.content = content
    }

    /// Returns a text field.
    public static func text(_ name: String, _ value: String) -> TestFormPart {
        TestFormPart(name, content: Array(value.utf8))
    }

    /// Returns a file field.
    ///
    /// - Parameters:
    ///   - name: the field's name.
    ///   - filename: the client's name for the file. If it and the content are empty, the field was left empty.
    ///   - contentType: the `Content-Type` of the part; nil to send none.
    ///   - content: the content of the file.
    public static func file(
        _ name: String, filename: String, contentType: String? = "application/octet-stream",
        _ content: [UInt8]
    ) -> TestFormPart {
        TestFormPart(name, filename: filename, contentType: contentType, content: content)
    }
}

extension [TestFormPart] {
    /// Returns the body of the parts (RFC 7578).
    func body(boundary: String) -> [UInt8] {
        var body: [UInt8] = []
        for part in self {
            body +=
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(Self.escaped(part.name))\"".utf8
            if let filename = part.filename { body += "; filename=\"\(Self.escaped(filename))\"".utf8 }
            if let type = part.contentType { body += "\r\nContent-Type: \(type)".utf8 }
            body += "\r\n\r\n".utf8
            body += part.content
            body += "\r\n".utf8
        }
        body += "--\(boundary)--\r\n".utf8
        return body
    }

    /// A boundary that does not occur in the parts' content.
    var boundary: String {
        var boundary = "PostludeTesting"
        while contains(where: { $0.content.contains(boundary.utf8) }) {
            boundary = "PostludeTesting-\(UInt64.random(in: 0 ... .max))"
        }
        return boundary
    }

    /// Escapes a name as browsers do (WHATWG HTML, 4.10.21.8).
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\"": result += "%22"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
