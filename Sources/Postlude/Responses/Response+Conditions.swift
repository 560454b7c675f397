internal import HTTPTypes

extension Response {
    /// What becomes of a file's response when the request is taken into account: a part of it, nothing but its head, an
    /// error, or a word to nginx. Every other response stays as it is.
    ///
    /// - Parameters:
    ///   - fields: the request's.
    ///   - location: where nginx sends files by itself.
    func selected(
        for method: HTTPRequest.Method, _ fields: @autoclosure () -> HTTPFields, in location: FileLocation?
    ) -> Response {
        guard case .file(let file) = body, status == .ok else { return self }
        if let target = location?.target(of: file) { return internalRedirect(to: target) }
        guard method == .get || method == .head else { return self }
        return selected(from: file, by: fields(), allowsRange: method == .get)
    }

    /// nginx asks the conditions and takes the range itself, with validators of its own.
    private func internalRedirect(to target: String) -> Response {
        var response = self
        response.headers[.eTag] = nil
        response.headers[.lastModified] = nil
        response.headers[.acceptRanges] = nil
        response.body = []
        if let name = HTTPField.Name("X-Accel-Redirect") { response.headers[name] = target }
        return response
    }

    /// The order of RFC 9110, 13.2.2.
    private func selected(from file: FileBody, by fields: HTTPFields, allowsRange: Bool) -> Response {
        let tag = headers[.eTag].flatMap { EntityTag($0) }
        let modified = headers[.lastModified].flatMap { HTTPDate($0) }
        if let condition = fields[.ifMatch] {
            guard EntityTag.List(condition).matchesStrongly(tag) else { return refused(.preconditionFailed) }
        } else if let date = fields[.ifUnmodifiedSince].flatMap({ HTTPDate($0) }), let modified {
            guard modified <= date else { return refused(.preconditionFailed) }
        }
        if let condition = fields[.ifNoneMatch] {
            guard !EntityTag.List(condition).matchesWeakly(tag) else { return notModified }
        } else if let date = fields[.ifModifiedSince].flatMap({ HTTPDate($0) }), let modified {
            guard modified > date else { return notModified }
        }
        guard allowsRange, let range = fields[.range],
            isCurrent(fields[.ifRange], tag: tag, modified: modified)
        else { return self }
        return part(range, of: file)
    }

    /// If-Range: whether the client's part is of this version (RFC 9110, 13.1.5).
    private func isCurrent(_ condition: String?, tag: EntityTag?, modified: HTTPDate?) -> Bool {
        guard let condition else { return true }
        if let wanted = EntityTag(condition) { return !wanted.isWeak && wanted == tag }
        // Within a second the file may have changed once more: the date is not a strong validator yet (8.8.2.2).
        guard let date = HTTPDate(condition), let modified else { return false }
        return date == modified && modified < HTTPDate.now
    }

    private func part(_ range: String, of file: FileBody) -> Response {
        switch ByteRange(range, of: file.count) {
        case .whole: return self
        case .unsatisfiable:
            var response = refused(.rangeNotSatisfiable)
            response.headers[.contentRange] = "bytes */\(file.count)"
            return response
        case .part(let range):
            var response = self
            var part = file
            part.range = range
            response.status = .partialContent
            response.headers[.contentRange] =
                "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.count)"
            response.body = .file(part)
            return response
        }
    }

    private var notModified: Response {
        var response = self
        response.status = .notModified
        response.contentType = nil
        response.headers[.contentType] = nil
        response.headers[.contentDisposition] = nil
        response.body = []
        return response
    }

    /// With the fields that are not the file's, such as cookies.
    private func refused(_ status: HTTPResponse.Status) -> Response {
        var fields = headers
        for name in [
            HTTPField.Name.eTag, .lastModified, .acceptRanges, .contentType, .contentDisposition,
            .cacheControl,
            .expires,
        ] {
            fields[name] = nil
        }
        return .error(HTTPError(status, headers: fields))
    }
}
