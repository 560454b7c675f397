internal import HTTPTypes

extension Response {
    /// Applies a request's conditions and range to the response with a file. The result is the whole file, a part of it, 304,
    /// an error, or an internal redirect for nginx. Every other response is returned unchanged.
    ///
    /// - Parameters:
    ///   - fields: the request's header fields.
    ///   - location: the location from which nginx sends files; nil if there is none.
    ///   - errors: the answers to errors of the request.
    func selected(
        for method: HTTPRequest.Method, _ fields: @autoclosure () -> HTTPFields, in location: FileLocation?,
        errors: ErrorAnswers = ErrorAnswers()
    ) -> Response {
        guard case .file(let file) = body, status == .ok else { return self }
        if let target = location?.target(of: file) { return internalRedirect(to: target) }
        guard method == .get || method == .head else { return self }
        return selected(from: file, by: fields(), allowsRange: method == .get, errors)
    }

    /// Has nginx send the file. nginx evaluates conditions and ranges itself, with validators of its own.
    private func internalRedirect(to target: String) -> Response {
        var response = self
        response.headers[.eTag] = nil
        response.headers[.lastModified] = nil
        response.headers[.acceptRanges] = nil
        response.body = []
        if let name = HTTPField.Name("X-Accel-Redirect") { response.headers[name] = target }
        return response
    }

    /// Evaluates the conditions and the range in the order of RFC 9110, 13.2.2.
    private func selected(
        from file: FileBody, by fields: HTTPFields, allowsRange: Bool, _ errors: ErrorAnswers
    )
        -> Response
    {
        let tag = headers[.eTag].flatMap { EntityTag($0) }
        let modified = headers[.lastModified].flatMap { HTTPDate($0) }
        if let condition = fields[.ifMatch] {
            guard EntityTag.List(condition).matchesStrongly(tag) else {
                return refused(.preconditionFailed, errors)
            }
        } else if let date = fields[.ifUnmodifiedSince].flatMap({ HTTPDate($0) }), let modified {
            guard modified <= date else { return refused(.preconditionFailed, errors) }
        }
        if let condition = fields[.ifNoneMatch] {
            guard !EntityTag.List(condition).matchesWeakly(tag) else { return notModified }
        } else if let date = fields[.ifModifiedSince].flatMap({ HTTPDate($0) }), let modified {
            guard modified > date else { return notModified }
        }
        guard allowsRange, let range = fields[.range],
            isCurrent(fields[.ifRange], tag: tag, modified: modified)
        else { return self }
        return part(range, of: file, errors)
    }

    /// Whether the version in `If-Range` is this one (RFC 9110, 13.1.5).
    private func isCurrent(_ condition: String?, tag: EntityTag?, modified: HTTPDate?) -> Bool {
        guard let condition else { return true }
        if let wanted = EntityTag(condition) { return !wanted.isWeak && wanted == tag }
        // Within the same second, the file may have changed again: the date is not a strong validator yet (8.8.2.2).
        guard let date = HTTPDate(condition), let modified else { return false }
        return date == modified && modified < HTTPDate.now
    }

    private func part(_ range: String, of file: FileBody, _ errors: ErrorAnswers) -> Response {
        switch ByteRange(range, of: file.count) {
        case .whole: return self
        case .unsatisfiable:
            var response = refused(.rangeNotSatisfiable, errors)
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

    /// Makes an error response with the header fields that do not describe the file, such as cookies.
    private func refused(_ status: HTTPResponse.Status, _ errors: ErrorAnswers) -> Response {
        var fields = headers
        for name in [
            HTTPField.Name.eTag, .lastModified, .acceptRanges, .contentType, .contentDisposition,
            .cacheControl,
            .expires,
        ] {
            fields[name] = nil
        }
        return errors.response(to: HTTPError(status, headers: fields))
    }
}

/// An entity tag: the version of a representation (RFC 9110, 8.8.3).
struct EntityTag: Hashable, Sendable {
    let isWeak: Bool
    /// The opaque tag, with its quotes.
    let opaque: Substring

    /// The list in a condition.
    enum List {
        case any
        case tags([EntityTag])

        /// - Parameter text: `*`, or tags separated by commas. Everything after a syntax error is ignored.
        init(_ text: String) {
            var rest = text[...]
            var tags: [EntityTag] = []
            if text.trimmingSpaces == "*" {
                self = .any
                return
            }
            while true {
                rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
                guard let tag = EntityTag(takingFrom: &rest) else { break }
                tags.append(tag)
            }
            self = .tags(tags)
        }

        /// Whether a tag of the list is `tag`, weak or not; for If-None-Match.
        func matchesWeakly(_ tag: EntityTag?) -> Bool {
            switch self {
            case .any: true
            case .tags(let tags): tags.contains { $0.opaque == tag?.opaque }
            }
        }

        /// Whether a tag of the list is `tag`, and neither is weak; for If-Match.
        func matchesStrongly(_ tag: EntityTag?) -> Bool {
            switch self {
            case .any: true
            case .tags(let tags): tags.contains { !$0.isWeak && $0 == tag }
            }
        }
    }

    /// - Returns: nil if `text` is not a single tag.
    init?(_ text: String) {
        var rest = text.trimmingSpaces
        self.init(takingFrom: &rest)
        guard rest.isEmpty else { return nil }
    }

    private init?(takingFrom text: inout Substring) {
        var rest = text
        let isWeak = rest.hasPrefix("W/")
        if isWeak { rest = rest.dropFirst(2) }
        guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
        self.isWeak = isWeak
        opaque = rest[...end]
        text = rest[rest.index(after: end)...]
    }
}

extension String {
    var trimmingSpaces: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let last = lastIndex(where: { !isSpace($0) }) else { return "" }
        return self[...last].drop(while: isSpace)
    }
}

/// The range that a `Range` field requests of a representation of a known length (RFC 9110, 14.1.2).
enum ByteRange: Equatable {
    /// The whole representation: there is no valid range, or the server ignores it.
    case whole
    case part(Range<Int>)
    case unsatisfiable

    /// Parses a `Range` field. Several ranges get the whole representation: a server may ignore the field (14.2), and few
    /// clients read multipart bodies.
    init(_ field: String, of count: Int) {
        self = .whole
        let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].trimmingSpaces.lowercased() == "bytes" else { return }
        let ends = parts[1].trimmingSpaces.split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2 else { return }
        switch (ends[0].isEmpty, ends[1].isEmpty) {
        case (true, true): return
        case (true, false):
            guard let suffix = Self.number(ends[1]) else { return }
            if suffix == 0 {
                self = .unsatisfiable
            } else if count > 0 {
                self = .part(max(0, count - suffix)..<count)
            }
        case (false, let isOpen):
            guard let first = Self.number(ends[0]), let last = isOpen ? .max : Self.number(ends[1]),
                first <= last
            else { return }
            self = first < count ? .part(first..<(min(last, count - 1) + 1)) : .unsatisfiable
        }
    }

    /// Returns a number; `Int.max` for a larger one, since no file is that long.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text) ?? .max
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring { String(self).trimmingSpaces }
}

/// A folder whose files nginx sends, from a location that clients cannot request.
struct FileLocation: Hashable, Sendable {
    /// The folder's path, without symbolic links, and without a slash at its end.
    private let root: String
    /// The location's path, with a slash at its end.
    private let location: String

    /// - Parameters:
    ///   - root: the folder that the location's `alias` names.
    ///   - internal: the location's path.
    init(root: String, internal location: String) {
        let real = OpenFile.realPath(of: root) ?? root
        self.root = real.hasSuffix("/") ? String(real.dropLast()) : real
        self.location = location.hasSuffix("/") ? location : location + "/"
    }

    /// Returns the path by which nginx sends a file; nil for a file outside of the folder.
    func target(of file: FileBody) -> String? {
        guard let path = file.path, path.utf8.starts(with: (root + "/").utf8) else { return nil }
        let rest = path.utf8.dropFirst(root.utf8.count + 1)
        return PercentEncoding.encode(location.utf8, except: "/") + PercentEncoding.encode(rest, except: "/")
    }
}
