public import HTTPTypes

extension ResponseConvertible where Self == Response {
    /// Returns a response with a file that the application has chosen.
    ///
    /// ```swift
    /// Handler("report") { (query: Query<Month>) in
    ///     try .file("/srv/reports/\(query.month).pdf", download: "Report.pdf")
    /// }
    /// ```
    ///
    /// For a path that contains input of a client, use ``file(named:in:contentType:download:headers:)``.
    ///
    /// The response has `Last-Modified`, a strong `ETag`, `Accept-Ranges` and `X-Content-Type-Options: nosniff`. The
    /// request's conditions, its range and HEAD are applied after the handler has returned: 304, 412, one range (206 or
    /// 416; several get the whole file). The file is read in pieces while it is sent, and `limits.write-time` applies to
    /// each piece. If the file becomes shorter in the meantime, its response is aborted.
    ///
    /// If the manifest names an internal location (`files`) and the file is below its root, nginx sends the file, with its
    /// own `ETag` and ranges (`X-Accel-Redirect`). nginx keeps the fields `Content-Type`, `Content-Disposition`,
    /// `Set-Cookie`, `Cache-Control` and `Expires`, and no others; the location has to add those that matter:
    ///
    /// ```nginx
    /// location /postlude-files/ {
    ///     internal;
    ///     alias /srv/files/;
    ///     add_header X-Content-Type-Options $upstream_http_x_content_type_options;
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - path: the file's path, which the application has chosen.
    ///   - contentType: the media type; by default that of the name's extension, `application/octet-stream` if it is unknown.
    ///   - name: the name under which the client stores the file (RFC 6266); nil if it may show it. HTML and SVG that users
    ///     have uploaded must always be stored: if they are shown, their scripts run on your site.
    ///   - headers: further header fields; they override those that the file would have.
    /// - Throws: ``HTTPError``, 404, if there is no such file, or it is a folder or a device; the system's error if it cannot
    ///   be opened, answered with 500.
    public static func file(
        _ path: String, contentType: String? = nil, download name: String? = nil, headers: HTTPFields = [:]
    ) throws -> Response {
        .file(try OpenFile(path), contentType ?? FileMediaType.of(path), download: name, headers)
    }

    /// Returns a response with a file below a folder, by a name that a client has chosen.
    ///
    /// ```swift
    /// func picture(path: Path<Picture>) throws -> Response {
    ///     try .file(named: path.name, in: "/srv/pictures")
    /// }
    /// ```
    ///
    /// No name leads out of `root`, whether by `..`, by an absolute path, or by a symbolic link below it. Hidden files, and
    /// files in hidden folders, are not found. Otherwise, it works like ``file(_:contentType:download:headers:)``.
    ///
    /// - Parameters:
    ///   - name: the file's path below `root`, percent-decoded, such as `2030/january.png`.
    ///   - root: a folder that the application has chosen.
    ///   - contentType: the media type; by default that of the name's extension, `application/octet-stream` if it is unknown.
    ///   - download: the name under which the client stores the file; nil if it may show it.
    ///   - headers: further header fields; they override those that the file would have.
    /// - Throws: ``HTTPError``, 404, if there is no such file; the system's error if `root` does not exist.
    public static func file(
        named name: String, in root: String, contentType: String? = nil, download: String? = nil,
        headers: HTTPFields = [:]
    ) throws -> Response {
        let file = try OpenFile(named: name, in: root)
        return .file(file, contentType ?? FileMediaType.of(name), download: download, headers)
    }

    private static func file(
        _ file: OpenFile, _ contentType: String, download name: String?, _ fields: HTTPFields
    ) -> Response {
        var headers = fields
        func add(_ field: HTTPField.Name, _ value: String) {
            if headers[field] == nil { headers[field] = value }
        }
        add(.lastModified, file.modified.description)
        add(.eTag, file.entityTag)
        add(.acceptRanges, "bytes")
        add(.xContentTypeOptions, "nosniff")
        if let name { add(.contentDisposition, ContentDisposition.attachment(named: name)) }
        return Response(contentType: contentType, headers: headers, body: .file(FileBody(file)))
    }
}

/// The field `Content-Disposition` (RFC 6266).
enum ContentDisposition {
    /// Returns the value that has the client store the response under a name.
    ///
    /// - Parameter name: any text. Folders in it are left out. `filename`, for old clients, has `_` for the characters that
    ///   need `filename*`.
    static func attachment(named name: String) -> String {
        // Scalars, not characters: a slash with an accent is one character, but a slash to the client's file system.
        let component =
            name.unicodeScalars.split { $0 == "/" || $0 == "\\" }.last ?? Substring().unicodeScalars
        let visible = String(String.UnicodeScalarView(component.filter { !isControl($0) }))
        guard !visible.isEmpty else { return "attachment" }
        let plain = String(visible.map { isPlain($0) ? $0 : "_" })
        guard plain != visible else { return "attachment; filename=\"\(plain)\"" }
        // attr-char of RFC 5987. The apostrophe, which ends the language, is not one of them.
        let encoded = PercentEncoding.encode(visible.utf8, except: "!#$&+^`|")
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
            // Format characters that change the direction of text can disguise a name's extension.
            || scalar.properties.generalCategory == .format
    }

    /// Whether `filename` may contain a character. `%` is not allowed, since some clients would decode it.
    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && character != "\"" && character != "%" && character != "\r\n"
    }
}

/// The media types of files by the extensions of their names.
enum FileMediaType {
    static let unknown = "application/octet-stream"

    /// - Parameter path: a file's name, with or without its folders.
    static func of(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return unknown }
        return byExtension[name[name.index(after: dot)...].lowercased()] ?? unknown
    }

    /// A short list, since nginx has the long one. Text is UTF-8.
    private static let byExtension = [
        "avif": "image/avif",
        "bin": unknown,
        "bmp": "image/bmp",
        "css": "text/css; charset=utf-8",
        "csv": "text/csv; charset=utf-8",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "epub": "application/epub+zip",
        "gif": "image/gif",
        "gz": "application/gzip",
        "htm": "text/html; charset=utf-8",
        "html": "text/html; charset=utf-8",
        "ico": "image/vnd.microsoft.icon",
        "ics": "text/calendar; charset=utf-8",
        "jpeg": "image/jpeg",
        "jpg": "image/jpeg",
        "js": "text/javascript; charset=utf-8",
        "json": "application/json",
        "m4a": "audio/mp4",
        "md": "text/markdown; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8",
        "mp3": "audio/mpeg",
        "mp4": "video/mp4",
        "ods": "application/vnd.oasis.opendocument.spreadsheet",
        "odt": "application/vnd.oasis.opendocument.text",
        "ogg": "audio/ogg",
        "otf": "font/otf",
        "pdf": "application/pdf",
        "png": "image/png",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "svg": "image/svg+xml",
        "tar": "application/x-tar",
        "tif": "image/tiff",
        "tiff": "image/tiff",
        "ttf": "font/ttf",
        "txt": "text/plain; charset=utf-8",
        "wasm": "application/wasm",
        "wav": "audio/wav",
        "webm": "video/webm",
        "webmanifest": "application/manifest+json",
        "webp": "image/webp",
        "woff": "font/woff",
        "woff2": "font/woff2",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xml": "application/xml",
        "zip": "application/zip",
    ]
}
