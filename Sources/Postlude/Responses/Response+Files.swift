public import HTTPTypes

extension ResponseConvertible where Self == Response {
    /// A file that the application has chosen.
    ///
    /// ```swift
    /// Handler("report") { (query: Query<Month>) in
    ///     try .file("/srv/reports/\(query.month).pdf", download: "Report.pdf")
    /// }
    /// ```
    ///
    /// For a path in which there is something that a client has sent, there is
    /// ``file(named:in:contentType:download:headers:)``.
    ///
    /// The response has `Last-Modified`, a strong `ETag`, `Accept-Ranges` and `X-Content-Type-Options: nosniff`. What
    /// the request says about them is obeyed once the handler has returned: 304, 412, one range (206 or 416; several
    /// get the whole file), HEAD. The file is read in pieces while it is sent, and `limits.write-time` is for one
    /// piece. A file that becomes shorter meanwhile has its response broken off.
    ///
    /// Where the manifest names an internal location (`files`) and the file lies below its root, nginx sends it, with
    /// its own `ETag` and ranges (`X-Accel-Redirect`). It takes over the fields `Content-Type`, `Content-Disposition`,
    /// `Set-Cookie`, `Cache-Control` and `Expires`, and no others; the location adds those that matter:
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
    ///   - contentType: by default what the name's extension says, `application/octet-stream` for an unknown one.
    ///   - name: has the client store the file under this name (RFC 6266). HTML and SVG that users have uploaded must
    ///     always be stored: shown, they run their scripts on your site.
    ///   - headers: further header fields; they override those that the file would have.
    /// - Throws: ``HTTPError``, 404, when there is no such file, or it is a folder or a device; the system's error when
    ///   it cannot be opened, answered with 500.
    public static func file(
        _ path: String, contentType: String? = nil, download name: String? = nil, headers: HTTPFields = [:]
    ) throws -> Response {
        .file(try OpenFile(path), contentType ?? FileMediaType.of(path), download: name, headers)
    }

    /// A file below a folder, by a name that a client has chosen.
    ///
    /// ```swift
    /// func picture(path: Path<Picture>) throws -> Response {
    ///     try .file(named: path.name, in: "/srv/pictures")
    /// }
    /// ```
    ///
    /// No name leads out of `root`: not by `..`, not by an absolute path, not by a symbolic link below it. Hidden
    /// files, and those in hidden folders, are not found. Otherwise it is ``file(_:contentType:download:headers:)``.
    ///
    /// - Parameters:
    ///   - name: such as `2030/january.png`, decoded.
    ///   - root: a folder of the application's choice.
    ///   - contentType: by default what the name's extension says, `application/octet-stream` for an unknown one.
    ///   - download: the name under which the client stores the file; nil if it may show it.
    ///   - headers: further header fields; they override those that the file would have.
    /// - Throws: ``HTTPError``, 404, when there is no such file; the system's error when `root` does not exist.
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
