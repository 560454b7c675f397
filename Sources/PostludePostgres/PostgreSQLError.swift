package import PostludePostgreSQLStore

/// An error of a PostgreSQL server, or of the connection to it.
public struct PostgreSQLError: Error, Sendable, CustomStringConvertible {
    /// The server's code of five characters, such as `23505` for a unique constraint that is violated ("PostgreSQL Error Codes" of
    /// its manual); nil if the server has not answered.
    public let state: String?
    /// What has happened, in the server's words. It does not contain the values of the statement, except where they are names.
    public let message: String
    /// The constraint that is violated; nil if none is.
    public let constraint: String?
    /// Whether the transaction may have been committed although its end was not reported. A look at its rows tells.
    public let isCommitUnknown: Bool
    package let failure: PostludePostgreSQLStore.PostgreSQLError?

    init(reporting error: PostludePostgreSQLStore.PostgreSQLError, isCommitUnknown: Bool = false) {
        failure = error
        self.isCommitUnknown = isCommitUnknown
        switch error {
        case .server(let state, let message, let constraint):
            (self.state, self.message, self.constraint) = (state, message, constraint)
        case .connection(let reason): (state, message, constraint) = (nil, reason, nil)
        case .aborted: (state, message, constraint) = (nil, "an earlier statement has failed", nil)
        case .unexpected(let what):
            (state, message, constraint) = (nil, "the server has returned \(what)", nil)
        }
    }

    init(message: String) {
        (state, constraint, failure, isCommitUnknown) = (nil, nil, nil, false)
        self.message = message
    }

    /// Converts any error of a pool or a transaction.
    init(_ error: any Error) {
        switch error {
        case let error as PostludePostgreSQLStore.PostgreSQLError: self.init(reporting: error)
        case let error as CommitFailure: self.init(reporting: error.error, isCommitUnknown: error.isUnknown)
        default: self.init(message: "\(error)")
        }
    }

    /// Whether a unique constraint is violated: there is such a row already.
    public var isUniqueViolation: Bool { state == "23505" }

    /// Whether another transaction is the reason, so that the same one may succeed if it is repeated: it could not be serialized,
    /// or was a deadlock's victim.
    public var isConflict: Bool { state == "40001" || state == "40P01" }

    /// Whether the connection is lost, or could not be made.
    public var isDisconnected: Bool { failure?.isDisconnected ?? false }

    public var description: String {
        let code = state.map { " (SQLSTATE \($0))" } ?? ""
        return isCommitUnknown
            ? "whether the transaction was committed is not known: \(message)\(code)" : message + code
    }
}

extension PostgreSQLError: ApplicationError {}
