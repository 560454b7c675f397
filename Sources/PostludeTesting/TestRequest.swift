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
    /// The method, as it stands in a request line.
    public var method: HTTPRequest.Method
    /// The path with its query, as it stands in a request line.
    public var target: String
    /// The header fields; `Content-Length` is the body's.
    public var headers: HTTPFields
    /// The body, all of which arrives at once.
    public var body: [UInt8]
    /// The client's address (`REMOTE_ADDR`).
    public var remoteAddress = "127.0.0.1"
    /// Whether the web server takes the whole response: tasks can depend on it.
    public var isResponseTaken = true
    /// After how many pieces of a streamed response the client goes away; nil, the default, for never. A stream without
    /// an end of its own needs it.
    public var takenPieces: Int?
    /// Whether the request's time is over (`limits.request-timeout`) before its handler begins: the handler finds it
    /// cancelled, and the client gets 504 whatever the handler returns.
    public var isCancelled = false

    /// A request of any kind.
    public init(
        _ method: HTTPRequest.Method, _ target: String, body: [UInt8] = [], headers: HTTPFields = [:]
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// A GET request.
    public static func get(_ target: String, headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.get, target, headers: headers)
    }

    /// A HEAD request.
    public static func head(_ target: String, headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.head, target, headers: headers)
    }

    /// A DELETE request.
    public static func delete(_ target: String, headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.delete, target, headers: headers)
    }

    /// A POST request with a body of bytes.
    public static func post(_ target: String, body: [UInt8] = [], headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.post, target, body: body, headers: headers)
    }

    /// A PUT request with a body of bytes.
    public static func put(_ target: String, body: [UInt8] = [], headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.put, target, body: body, headers: headers)
    }

    /// A PATCH request with a body of bytes.
    public static func patch(_ target: String, body: [UInt8] = [], headers: HTTPFields = [:]) -> TestRequest {
        TestRequest(.patch, target, body: body, headers: headers)
    }

    /// A POST with a JSON body.
    ///
    /// - Throws: what the value's `encode(to:)` throws.
    public static func post(
        _ target: String, json: some Encodable, headers: HTTPFields = [:]
    ) throws -> TestRequest {
        try TestRequest(.post, target, headers: headers).with(json: json)
    }

    /// A PUT with a JSON body.
    ///
    /// - Throws: what the value's `encode(to:)` throws.
    public static func put(
        _ target: String, json: some Encodable, headers: HTTPFields = [:]
    ) throws -> TestRequest {
        try TestRequest(.put, target, headers: headers).with(json: json)
    }

    /// A PATCH with a JSON body.
    ///
    /// - Throws: what the value's `encode(to:)` throws.
    public static func patch(
        _ target: String, json: some Encodable, headers: HTTPFields = [:]
    ) throws -> TestRequest {
        try TestRequest(.patch, target, headers: headers).with(json: json)
    }

    /// A POST of an HTML form (`application/x-www-form-urlencoded`).
    public static func post(
        _ target: String, form: KeyValuePairs<String, String>, headers: HTTPFields = [:]
    ) -> TestRequest {
        var request = TestRequest(.post, target, headers: headers)
        request.headers[.contentType] = "application/x-www-form-urlencoded"
        let items = form.map { name, value in "\(encoded(name))=\(encoded(value))" }
        request.body = Array(items.joined(separator: "&").utf8)
        return request
    }

    /// A POST of a form with texts and files (`multipart/form-data`).
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

    /// Everything but letters, digits and `-._~` is escaped (RFC 3986, 2.3).
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

    /// What a web server passes on: the parameters of nginx's `fastcgi_params`.
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

/// A field of a form that is sent as `multipart/form-data`: a text, or a file.
///
/// ```swift
/// try await app.send(
///     .post("/photos", multipart: [.text("title", "Sea"), .file("image", filename: "sea.png", png)]))
/// ```
public struct TestFormPart: Sendable {
    /// The field's name.
    public var name: String
    /// What the client calls the file; nil for a text.
    public var filename: String?
    /// The `Content-Type` of the part; nil sends none.
    public var contentType: String?
    /// The text in UTF-8, or what is in the file.
    public var content: [UInt8]

    /// A part of any kind, also one that a browser would not send.
    public init(_ name: String, filename: String? = nil, contentType: String? = nil, content: [UInt8]) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
        self.content = content
    }

    /// A text field.
    public static func text(_ name: String, _ value: String) -> TestFormPart {
        TestFormPart(name, content: Array(value.utf8))
    }

    /// A file.
    ///
    /// - Parameters:
    ///   - name: the field's name.
    ///   - filename: what the client calls the file; with an empty one and no content, a field that was left empty.
    ///   - contentType: nil sends none.
    ///   - content: what is in the file.
    public static func file(
        _ name: String, filename: String, contentType: String? = "application/octet-stream",
        _ content: [UInt8]
    ) -> TestFormPart {
        TestFormPart(name, filename: filename, contentType: contentType, content: content)
    }
}

extension [TestFormPart] {
    /// The body that they make (RFC 7578).
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

    /// A boundary that is in none of them.
    var boundary: String {
        var boundary = "PostludeTesting"
        while contains(where: { $0.content.contains(boundary.utf8) }) {
            boundary = "PostludeTesting-\(UInt64.random(in: 0 ... .max))"
        }
        return boundary
    }

    /// As browsers do (WHATWG HTML, 4.10.21.8).
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
