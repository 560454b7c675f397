internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore

/// The sessions for everything but group commits and the owner's life. A session is used by one thread at a time.
final class SessionPool: Sendable {
    private static let retryDelay: UInt32 = 50_000

    private struct State {
        var idle: [Session] = []
        var isClosed = false
    }

    private let address: PostgreSQLAddress
    private let limits: Session.Limits
    private let timeout: Duration
    private let state = Lock(State())
    private static let largestIdle = 4

    /// - Parameter timeout: how long a call waits for a server that cannot be reached.
    init(_ address: PostgreSQLAddress, timeout: Duration) {
        self.address = address
        self.timeout = timeout
        limits = Session.Limits(lockTimeout: timeout)
    }

    /// Calls `body` with a session. If the connection is lost before anything can have changed, it is called again with
    /// another session, until the timeout has passed.
    func with<Value>(_ body: (Session, MonotonicTime) throws -> Value) throws -> Value {
        let deadline = MonotonicTime.now + timeout
        while true {
            do {
                let session = try take()
                do {
                    let value = try body(session, deadline)
                    give(session)
                    return value
                } catch {
                    session.rollBack()
                    give(session)
                    throw error
                }
            } catch let error as PostgreSQLError where error.isDisconnected && MonotonicTime.now < deadline {
                usleep(Self.retryDelay)
            }
        }
    }

    /// Takes a session, which the caller gives back.
    func take() throws -> Session {
        let (idle, isClosed) = state.withLock { ($0.idle.popLast(), $0.isClosed) }
        if isClosed { throw ClosedPool() }
        return try idle ?? Session(address, limits)
    }

    func give(_ session: Session) {
        guard !session.isBroken else { return }
        let surplus: Session? = state.withLock { state in
            guard !state.isClosed, state.idle.count < Self.largestIdle else { return session }
            state.idle.append(session)
            return nil
        }
        withExtendedLifetime(surplus) {}
    }

    /// Closes the idle sessions. Those that are in use are closed when they are given back.
    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        withExtendedLifetime(idle) {}
    }
}
