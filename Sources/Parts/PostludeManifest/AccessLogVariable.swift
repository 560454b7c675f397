/// What a line of the access log can show, by nginx's names where nginx has one. `$http_NAME` comes on top.
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
    /// The normalised path that routes see.
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
    // The answer.
    case status
    case bodyBytesSent = "body_bytes_sent"
    case bytesSent = "bytes_sent"
    case route
    case handler
    /// Seconds from the complete head until finish.
    case requestTime = "request_time"
    // The tasks.
    /// How many have run to their end, well or not.
    case tasks
    case tasksFailed = "tasks_failed"
    /// How many had not ended when the process did.
    case tasksLeft = "tasks_left"
    /// Seconds for which attempts ran, added up.
    case tasksTime = "tasks_time"
    // Where and when the response was finished.
    case timeISO8601 = "time_iso8601"
    case timeLocal = "time_local"
    /// Seconds since 1970, with milliseconds.
    case msec
    case pid
    /// The worker's number in its process.
    case worker
}
