internal import Glibc
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// One call of a handler whose route has a time limit, as the control thread watches it, with what it needs to answer in
/// the worker's place.
///
/// Both the worker and the control thread may want to write, and libfcgi's streams belong to the worker. `state` decides
/// which of them does.
final class HandlerInvocation: Sendable {
    private enum State {
        static let handling = 0
        /// The worker writes the response, or has written it.
        static let writing = 1
        /// The control thread writes the response in the worker's place.
        static let answering = 2
        /// The control thread has written the response. The worker's response is discarded.
        static let answered = 3
    }

    let limits: Manifest.Limits
    let handler: String
    let identity: RequestIdentity
    let start: MonotonicTime
    private let route: CountedRoute
    let cancellation = RequestCancellation()
    /// Whether the handler reads the body from the connection itself. Only its worker can then give the connection back.
    let readsConnection: Bool
    private let head: RequestHead
    private let errorFormat: ShortResponse.Format
    private let connection: Connection
    private let state = Atomic<Int>(State.handling)
    private let delivered = Atomic<Bool>(false)
    /// The time from the start to the end of the control thread's answer, in nanoseconds.
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
        errorFormat = .init(request.storage.errors.format)
        self.connection = connection
        self.readsConnection = readsConnection
        self.start = start
    }

    /// Whether the web server has received the control thread's answer.
    var isDelivered: Bool { delivered.load(ordering: .acquiring) }
    /// The time from the start of the call to the end of the control thread's answer.
    var answeredAfter: Duration { .nanoseconds(answerTime.load(ordering: .acquiring)) }

    /// Returns true once: on the first call after the handler has passed `slow-time`. `isNewlyKilled` does the same for
    /// `kill-time`.
    func isNewlySlow(at now: MonotonicTime) -> Bool { isNew(isReported, limits.slowTime, now) }
    func isNewlyKilled(at now: MonotonicTime) -> Bool { isNew(isKilled, limits.killTime, now) }

    /// Claims the right to answer. Called by the worker when the handler has returned.
    ///
    /// - Returns: the thread that answers. If it is the control thread, the worker must not touch the connection, except
    ///   to give it back if `readsConnection` is true.
    func claimAnswer() -> Answerer {
        while true {
            let (exchanged, found) = state.compareExchange(
                expected: State.handling, desired: State.writing, ordering: .acquiringAndReleasing)
            if exchanged { return .worker }
            if found == State.answered {
                return .controlThread(isDelivered: isDelivered, after: answeredAfter)
            }
            // The control thread does not block while it answers, so this wait is short.
            sched_yield()
        }
    }

    /// Answers 504 in the worker's place if the handler is past `request-timeout`, and counts the request, since the
    /// handler may never return. Called by the control thread.
    ///
    /// - Returns: whether the request was answered by this call.
    func answerIfOverdue(at now: MonotonicTime, poller: Poller, process: ProcessSlot? = nil) -> Bool {
        guard let limit = limits.requestTimeout, now - start >= limit,
            state.compareExchange(
                expected: State.handling, desired: State.answering, ordering: .acquiringAndReleasing
            ).exchanged
        else { return false }
        // Before the answer, which can unblock the handler: it then finds its request cancelled.
        cancellation.mark()
        let isDelivered = ShortResponse.gatewayTimeout(identifier: identity.id, format: errorFormat)
            .send(to: head, on: connection)
        delivered.store(isDelivered, ordering: .releasing)
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

    /// Whether the handler has not returned yet. Writing and tasks have time limits of their own.
    var isHandling: Bool { state.load(ordering: .acquiring) != State.writing }

    private func isNew(_ mark: borrowing Atomic<Bool>, _ limit: Duration?, _ now: MonotonicTime) -> Bool {
        guard let limit, now - start >= limit, isHandling else { return false }
        return !mark.exchange(true, ordering: .relaxed)
    }
}

extension Manifest.Limits {
    /// Whether any limit requires the control thread to watch the handler.
    var hasDeadline: Bool { requestTimeout != nil || slowTime != nil || killTime != nil }
}
