internal import PostludeRouting

/// The format of a line of the access log: text with variables (`$name` or `${name}`), as in nginx's `log_format`.
package struct AccessLogFormat: Sendable, Hashable {
    package enum Piece: Sendable, Hashable {
        case text(String)
        case variable(AccessLogVariable)
        /// A header field of the request, by the name of its FastCGI parameter: `HTTP_USER_AGENT`.
        case header(String)
    }

    /// A mistake in a format, with its position.
    package struct Mistake: Error, Hashable, CustomStringConvertible {
        /// The number of Unicode scalars before the mistake.
        package let offset: Int
        package let message: String

        package var description: String { "\(message), at character \(offset + 1)" }
    }

    package let pieces: [Piece]

    /// - Throws: ``Mistake`` for an unknown variable, or for a dollar sign without a variable.
    package init(parsing text: String) throws(Mistake) {
        var pieces: [Piece] = []
        let scalars = Array(text.unicodeScalars)
        var literal = ""
        var position = 0
        while position < scalars.count {
            guard scalars[position] == "$" else {
                literal.unicodeScalars.append(scalars[position])
                position += 1
                continue
            }
            let start = position
            let name = try Self.name(in: scalars, at: &position)
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = ""
            pieces.append(try Self.piece(named: name, at: start))
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
    }

    /// Returns the name after the dollar sign at `position`, and moves `position` to the end of the variable.
    private static func name(in scalars: [Unicode.Scalar], at position: inout Int) throws(Mistake) -> String {
        let start = position
        position += 1
        let isBraced = position < scalars.count && scalars[position] == "{"
        if isBraced { position += 1 }
        let name = scalars[position...].prefix(while: isPartOfName)
        position += name.count
        if isBraced {
            guard position < scalars.count, scalars[position] == "}" else {
                throw Mistake(offset: start, message: "`${` without its `}`")
            }
            position += 1
        }
        guard !name.isEmpty else {
            throw Mistake(offset: start, message: "`$` without a variable's name after it")
        }
        return String(String.UnicodeScalarView(name))
    }

    private static func isPartOfName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    private static func piece(named name: String, at offset: Int) throws(Mistake) -> Piece {
        if let variable = AccessLogVariable(rawValue: name) { return .variable(variable) }
        if name.hasPrefix("http_"), name.utf8.count > 5 { return .header(name.uppercased()) }
        let known = AccessLogVariable.allCases.map(\.rawValue)
        let advice = nearest(to: name, in: known).map { "; did you mean `$\($0)`?" } ?? ""
        throw Mistake(offset: offset, message: "unknown variable `$\(name)`\(advice)")
    }
}

/// The variables of the access log, with nginx's names if nginx has them. `$http_NAME` is not among them: it is
/// ``AccessLogFormat/Piece/header(_:)``.
package enum AccessLogVariable: String, Sendable, Hashable, CaseIterable {
    // The request, as the web server describes it.
    case remoteAddress = "remote_addr"
    case remotePort = "remote_port"
    case remoteUser = "remote_user"
    /// Method, URI and protocol.
    case request
    case requestMethod = "request_method"
    /// As the client sent it.
    case requestURI = "request_uri"
    /// The normalised path, which is matched with routes.
    case uri
    case arguments = "args"
    case queryString = "query_string"
    case serverProtocol = "server_protocol"
    case serverName = "server_name"
    case scheme
    case host
    case contentType = "content_type"
    case contentLength = "content_length"
    case requestID = "request_id"
    // The response.
    case status
    case bodyBytesSent = "body_bytes_sent"
    case bytesSent = "bytes_sent"
    case route
    case handler
    /// Seconds from the complete head until finish.
    case requestTime = "request_time"
    // The tasks.
    /// The number of tasks that have ended, successfully or not.
    case tasks
    case tasksFailed = "tasks_failed"
    /// The number of tasks that had not ended when the process ended.
    case tasksLeft = "tasks_left"
    /// The total time of all attempts, in seconds.
    case tasksTime = "tasks_time"
    // The time, process and worker of the finish.
    case timeISO8601 = "time_iso8601"
    case timeLocal = "time_local"
    /// Seconds since 1970, with milliseconds.
    case msec
    case pid
    /// The worker's number in its process.
    case worker
}
