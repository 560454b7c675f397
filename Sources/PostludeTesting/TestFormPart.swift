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
