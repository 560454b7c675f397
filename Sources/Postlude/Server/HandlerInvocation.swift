internal import Glibc
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// One call of a handler whose route has a limit of time: what the control thread needs to watch it, and to answer for it.
///
/// Worker and control thread both may want to write, and libfcgi's streams belong to the worker: `state` says who does.
final class HandlerInvocation: Sendable {
    private enum State {
        static let handling = 0
        /// The worker writes the response, or has.
        static let writing = 1
        /// The control thread writes in its place.
        static let answering = 2
        /// The control thread has, and the worker's response is not wanted.
        static let answered = 3
    }

    let limits: Manifest.Limits
    let handler: String
    let identity: RequestIdentity
    let start: MonotonicTime
    private let route: CountedRoute
    let cancellation = RequestCancellation()
    /// Whether the handler reads the body from the connection itself: only its worker can give that back.
    let readsConnection: Bool
    private let head: RequestHead
    private let connection: Connection
    private let state = Atomic<Int>(State.handling)
    private let taken = Atomic<Bool>(false)
    /// How long the control thread's answer took, in nanoseconds.
    private let answerTime = Atomic<Int64>(0)
    private let isReported = Atomic<Bool>(false)
    private let isKilled = Atomic<Bool>(false)

    init(
        of request: Request, on connection: Connection, route: Router.Route, readsConnection: Bool,
        at start: MonotonicTime = .now
    ) {
        limits = route.limits
        handler = route.handler.name
        self.route = route.counted
        identity = request.storage.identity
        head = request.storage.head
        self.connection = connection
        self.readsConnection = readsConnection
        self.start = start
    }

    /// Whether the web server has taken the control thread's answer.
    var isDelivered: Bool { taken.load(ordering: .acquiring) }
    /// How long the control thread's answer took.
    var answeredAfter: Duration { .nanoseconds(answerTime.load(ordering: .acquiring)) }

    /// Whether the handler is past a limit for the first time.
    func isNewlySlow(at now: MonotonicTime) -> Bool { isNew(isReported, limits.slowTime, now) }
    func isNewlyKilled(at now: MonotonicTime) -> Bool { isNew(isKilled, limits.killTime, now) }

    /// Called by the worker when the handler has returned.
    ///
    /// - Returns: who answers. If it is the control thread, the worker must not touch the connection, except to give it
    ///   back if `readsConnection`.
    func claimAnswer() -> Answerer {
        while true {
            let (exchanged, found) = state.compareExchange(
                expected: State.handling, desired: State.writing, ordering: .acquiringAndReleasing)
            if exchanged { return .worker }
            if found == State.answered {
                return .controlThread(isDelivered: isDelivered, after: answeredAfter)
            }
            // The control thread does not wait for the web server: this is over soon.
            sched_yield()
        }
    }

    /// Called by the control thread: answers 504 in the worker's place when the time is over, and counts that: the handler may
    /// never return.
    ///
    /// - Returns: whether it has.
    func answerIfOverdue(at now: MonotonicTime, poller: Poller, process: ProcessSlot? = nil) -> Bool {
        guard let limit = limits.requestTimeout, now - start >= limit,
            state.compareExchange(
                expected: State.handling, desired: State.answering, ordering: .acquiringAndReleasing
            ).exchanged
        else { return false }
        // Before the answer, which can end what the handler waits for: it then knows why.
        cancellation.mark()
        let isDelivered = ShortResponse.gatewayTimeout(identifier: identity.id).send(to: head, on: connection)
        taken.store(isDelivered, ordering: .releasing)
        let duration = MonotonicTime.now - start
        answerTime.store(duration.saturatedNanoseconds, ordering: .releasing)
        process?.count(.timedOut)
        process?.count(CountedAnswer(status: 504, route: route), taking: duration)
        if readsConnection {
            connection.endOutput()
        } else {
            poller.giveBack(connection, keep: isDelivered && head.keepsConnection, isOpen: true)
        }
        state.store(State.answered, ordering: .releasing)
        Cancellation.request { [cancellation] in cancellation.cancel() }
        return true
    }

    /// Whether the handler has not returned: what follows it has limits of its own.
    var isHandling: Bool { state.load(ordering: .acquiring) != State.writing }

    private func isNew(_ mark: borrowing Atomic<Bool>, _ limit: Duration?, _ now: MonotonicTime) -> Bool {
        guard let limit, now - start >= limit, isHandling else { return false }
        return !mark.exchange(true, ordering: .relaxed)
    }
}

extension Manifest.Limits {
    /// Whether a handler must be watched.
    var hasDeadline: Bool { requestTimeout != nil || slowTime != nil || killTime != nil }
}
