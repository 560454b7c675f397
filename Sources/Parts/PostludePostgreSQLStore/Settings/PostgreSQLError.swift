internal import PostludeTaskStore

/// An error of the server, of the connection to it, or of what it has sent.
package enum PostgreSQLError: Error, Sendable {
    /// The server has refused a statement.
    case server(state: String, message: String, constraint: String?)
    /// There is no connection. Whether a commit that was sent has happened is unknown.
    case connection(String)
    /// A statement before it in the same pipeline has failed.
    case aborted
    /// The server has sent something that it cannot have.
    case unexpected(String)

    /// The owner has been declared dead: `postlude.fence` has this state.
    static let declaredDead = "PL001"

    package var state: String? { if case .server(let state, _, _) = self { state } else { nil } }

    /// Whether the session cannot be used any more, and another one may work.
    package var isDisconnected: Bool {
        switch self {
        case .connection: true
        // The server shuts down, starts, or has ended the session; or it is a standby by now.
        case .server(let state, _, _):
            state.hasPrefix("57P") || state.hasPrefix("08") || state == "25006" || state == "53300"
                || state == "25P03"
        case .aborted, .unexpected: false
        }
    }

    /// Whether the transaction has waited for another one for too long, or must be repeated because of another one.
    package var isConflict: Bool {
        switch state {
        case "40001", "40P01", "55P03": true
        default: false
        }
    }

    /// Whether the same statements may succeed later.
    package var mayPass: Bool {
        guard let state else { return isDisconnected }
        return isDisconnected || isConflict || state.hasPrefix("53") || state.hasPrefix("58")
            || state == "57014"
    }
}

extension TaskStoreError {
    /// Converts an error of PostgreSQL or the task store.
    init(_ place: String, _ error: any Error) {
        switch error {
        case let error as TaskStoreError: self = error
        case let error as PostgreSQLError: self.init(place, postgreSQL: error)
        case is ClosedPool: self.init(.closed, place, "the task store is closed")
        case let error as NoFreeConnection:
            self.init(
                .locked, place,
                "all of its \(error.limit) connections for transactions were in use for too long",
                advice: "shorten the transactions, or allow more connections in the application's storage")
        default: self.init(.system, place, "\(error)")
        }
    }

    private init(_ place: String, postgreSQL error: PostgreSQLError) {
        switch error {
        case .connection(let reason):
            let isAboutTLS = reason.contains("certificate") || reason.contains("SSL")
            self.init(
                .system, place, reason,
                advice: isAboutTLS
                    ? "check sslmode and sslrootcert of the address, and the server's certificate"
                    : "check that the server runs and can be reached")
        case .aborted: self.init(.system, place, "an earlier statement of the transaction has failed")
        case .unexpected(let what): self.init(.damaged, place, "the server has returned \(what)")
        case .server(let state, let message, _):
            self.init(place, state: state, "\(message) (SQLSTATE \(state))")
        }
    }

    private init(_ place: String, state: String, _ reason: String) {
        switch state {
        case "53100": self.init(.full, place, reason, advice: "make room on the server's disk")
        case "40001", "40P01", "55P03":
            self.init(
                .locked, place, "another transaction holds a lock for too long: \(reason)",
                advice: "find it: SELECT * FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
        case "42501", "28P01", "28000":
            self.init(.notWritable, place, reason, advice: "grant the role its rights, or name another role")
        case "3D000": self.init(.missing, place, reason, advice: "create the database")
        case "3F000", "42P01", "42883":
            self.init(.missing, place, reason, advice: "run `tasks migrate`")
        case PostgreSQLError.declaredDead:
            self.init(
                .system, place,
                "this process was cut off from the server for so long that others have taken its tasks over")
        case "XX001", "XX002": self.init(.damaged, place, reason)
        case _ where state.hasPrefix("22") || state.hasPrefix("23") || state.hasPrefix("54"):
            self.init(.refused, place, reason)
        default: self.init(.system, place, reason)
        }
    }
}

/// The store is closed.
struct ClosedPool: Error {}

/// All connections of a pool were in use for too long.
struct NoFreeConnection: Error {
    let limit: Int
}
