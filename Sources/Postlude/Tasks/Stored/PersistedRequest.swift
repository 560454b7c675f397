/// What a store persists of one request: all of it or nothing.
package struct PersistedRequest: Sendable {
    package let tasks: [any PersistedTask]
    package let origin: TaskOrigin
    /// Whether the request's worker runs the tasks; otherwise any free worker does, by the dispatch.
    package let runsHere: Bool
    /// The answer that is kept for repetitions of the request; nil if none is.
    package let answer: PersistedAnswer?

    package init(
        _ tasks: [any PersistedTask], of origin: TaskOrigin, runsHere: Bool, answer: PersistedAnswer? = nil
    ) {
        self.tasks = tasks
        self.origin = origin
        self.runsHere = runsHere
        self.answer = answer
    }
}

/// The key with which a client can repeat a request.
package struct RequestKey: Sendable, Hashable {
    /// The method and the pattern of the route, such as `POST /orders`.
    package let route: String
    /// The names of those on whose behalf the request is made (``IdempotencyPrincipal``).
    package let principals: [String]
    /// The key that the client has chosen, 1 to 255 bytes.
    package let key: String

    package init(route: String, principals: [String], key: String) {
        self.route = route
        self.principals = principals
        self.key = key
    }
}

/// The first answer to a request with a key.
package struct PersistedAnswer: Sendable {
    package let key: RequestKey
    /// A digest of the request.
    package let fingerprint: [UInt8]
    package let status: Int
    package let reason: String
    /// The response's `contentType`, which is not among the fields.
    package let contentType: String?
    package let fields: [(name: String, value: String)]
    package let body: [UInt8]
    /// The ids of the request's persisted tasks. The store adds those of the tasks that it persists with the answer.
    package var taskIDs: [String]
    /// The time for which the answer is kept.
    package let keep: Duration

    package init(
        key: RequestKey, fingerprint: [UInt8], status: Int, reason: String, contentType: String?,
        fields: [(name: String, value: String)], body: [UInt8], taskIDs: [String] = [], keep: Duration = .zero
    ) {
        self.key = key
        self.fingerprint = fingerprint
        self.status = status
        self.reason = reason
        self.contentType = contentType
        self.fields = fields
        self.body = body
        self.taskIDs = taskIDs
        self.keep = keep
    }
}

/// What a store knows about the key of a request.
package enum RequestKeyState: Sendable {
    /// The request may be answered, as long as the lock is kept. No other request with the key is, in any process.
    case first(lock: any Sendable)
    /// A request with the key is being answered.
    case inFlight
    case answered(PersistedAnswer)
    /// The store has as many answers as it may have.
    case full
}
