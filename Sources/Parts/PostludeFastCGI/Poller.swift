import Glibc
package import PostludeSystem
import Synchronization

/// Watches the listening socket and every idle connection of a process, and gives each free worker one
/// request.
///
/// Workers wait in `next`: the kernel wakes one of them for each event. A connection belongs to the worker
/// that took it until `giveBack`, and then to the poller: tasks hold a worker, never a connection.
package final class Poller: Sendable {
    /// What a worker gets.
    package enum Next {
        case request(Connection)
        case refused(Connection, Refusal)
        /// A worker was called (`call`).
        case called
        /// Nothing came within the time that the worker wanted to wait.
        case nothing
        /// No connection is left and none will come.
        case stopped
    }

    enum Token {
        static let listener = UInt64.max
        static let ready = UInt64.max - 1
        static let stop = UInt64.max - 2
        static let handover = UInt64.max - 3
        static let call = UInt64.max - 4
    }

    /// What the process does with connections that have nothing to say.
    enum Stage: UInt8, AtomicRepresentable {
        case serving
        /// They are closed.
        case closing
        /// They go to the other processes, which serve on.
        case handingOver
    }

    /// What changes rarely.
    struct State {
        /// Connections with bytes already taken from their sockets: ready, not armed.
        var ready = FIFO<Connection>()
        /// Requests that the control thread has read while every worker was busy.
        var waiting = FIFO<WaitingRequest>()
        var isListening = true
        var acceptFailure: SystemError?
        /// Since when the control thread has seen something in the queue that this process has left to others.
        var queueFilledSince: MonotonicTime?
    }

    let epoll: Epoll
    let listener: Listener
    let handover: HandoverQueue?
    let webServers: WebServers
    /// For connections that are yet to come.
    let bounds: Lock<(limits: GateLimits, times: ConnectionTimes)>
    let table = ConnectionTable()
    let drainDeadline = DrainDeadline()
    let hangUps = HangUpWatches()
    let state = Lock(State())
    let stage = Atomic<Stage>(.serving)
    /// Signalled at least once for each connection that is ready, and each request that waits.
    let readySignal: EventDescriptor
    let waitingRequests = Atomic<Int>(0)
    let stopSignal: EventDescriptor
    private let callSignal: EventDescriptor
    let parking: EventDescriptor
    let waiting = Atomic<Int>(0)
    let parked = Atomic<Int>(0)
    /// How many workers may wait for events at a time: see Poller+Waiting.swift.
    let width: Atomic<Int>
    let leastWidth: Int
    let taken = Atomic<Int>(0)
    /// Whether this process leaves to the others what is in the queue between them.
    let isAway = Atomic<Bool>(false)
    /// Until when no connection is offered to others, in nanoseconds.
    let offersResume = Atomic<Int64>(0)
    let isRoomElsewhere: @Sendable () -> Bool
    let onAway: @Sendable () -> Void
    private let onNoneWaiting: @Sendable () -> Void
    let report: @Sendable (ConnectionEnd) -> Void
    let answered: @Sendable (UnservedRequest) -> Void

    /// - Parameters:
    ///   - handover: what the processes that share the listening socket give each other their connections
    ///     through; nil for one that is alone.
    ///   - width: how many workers wait for events at a time, as long as none is held up: one for each core.
    ///   - isRoomElsewhere: asked for each connection that has something to say: whether this process could not
    ///     run its request's tasks now, and another one could.
    ///   - onAway: called when this process leaves to the others what is in the queue between them; the caller has to
    ///     call `returnToQueue` now and then.
    ///   - onNoneWaiting: called by the worker whose leaving made every worker busy.
    ///   - report: told of each connection that ended otherwise than it should.
    ///   - answered: told of each request that was answered without a worker.
    package init(
        listener: Listener, handover: HandoverQueue? = nil, webServers: WebServers,
        limits: GateLimits, times: ConnectionTimes, width: Int,
        isRoomElsewhere: @escaping @Sendable () -> Bool = { false },
        onAway: @escaping @Sendable () -> Void = {}, onNoneWaiting: @escaping @Sendable () -> Void,
        report: @escaping @Sendable (ConnectionEnd) -> Void,
        answered: @escaping @Sendable (UnservedRequest) -> Void = { _ in }
    ) throws(SystemError) {
        self.listener = listener
        self.handover = handover
        self.webServers = webServers
        bounds = Lock((limits, times))
        self.isRoomElsewhere = isRoomElsewhere
        self.onAway = onAway
        self.onNoneWaiting = onNoneWaiting
        self.report = report
        self.answered = answered
        epoll = try Epoll()
        self.width = Atomic(width)
        leastWidth = width
        parking = try EventDescriptor(counting: true)
        readySignal = try EventDescriptor(counting: true)
        stopSignal = try EventDescriptor()
        callSignal = try EventDescriptor(counting: true)
        try epoll.add(readySignal.descriptor, .input, token: Token.ready)
        try epoll.add(stopSignal.descriptor, .input, token: Token.stop)
        try epoll.add(callSignal.descriptor, .input, token: Token.call)
        try watchListener()
        try watchHandover()
    }

    // MARK: For workers

    /// Waits for a request that is complete, or refused.
    ///
    /// - Parameters:
    ///   - buffer: the calling worker's own.
    ///   - milliseconds: how long to wait; -1 for ever.
    ///   - bodyPolicy: asked for each request that has a body.
    package func next(
        reading buffer: ReadBuffer, waiting milliseconds: Int32, bodyPolicy: (RequestHead) -> BodyPolicy
    ) -> Next {
        while true {
            // They have waited already.
            if let request = takeWaiting() { return request.next }
            guard startWaiting() else {
                switch park(milliseconds) {
                case .called: continue
                case .stopped: return .stopped
                case .nothing: return .nothing
                }
            }
            let event = epoll.wait(milliseconds: milliseconds)
            if waiting.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { onNoneWaiting() }
            taken.wrappingAdd(1, ordering: .relaxed)
            guard let event else { return .nothing }
            guard event.token != Token.stop else { return .stopped }
            if event.token == Token.call, callSignal.take() { return .called }
            guard let connection = take(event), !offer(connection) else { continue }
            if let next = look(at: connection, buffer, bodyPolicy) { return next }
        }
    }

    /// Calls one worker, the next that is free, for something that did not come over a connection.
    package func call() { callSignal.signal() }

    /// Takes a connection back after finish.
    ///
    /// - Parameter isOpen: false when libfcgi has closed the descriptor after a write error.
    package func giveBack(_ connection: Connection, keep: Bool, isOpen: Bool) {
        if connection.isWatched { endWatch(of: connection) }
        guard isOpen else {
            table.remove(connection)
            return ended(.undelivered)
        }
        let bodyError = connection.bodyError
        if let end = bodyError.flatMap(ConnectionEnd.init) { report(end) }
        connection.finishRequest()
        if !keep || bodyError != nil {
            guard !connection.isExhausted else { return discard(connection, .closed) }
            connection.beginLingering()
        }
        if connection.hasUnreadBytes || connection.expectsEnd || connection.mayHoldMore {
            makeReady(connection)
        } else {
            arm(connection)
        }
    }

    // MARK: Connections

    func take(_ event: Epoll.Event) -> Connection? {
        switch event.token {
        case Token.listener: return acceptSome()
        case Token.handover: return receiveSome()
        // Another worker was faster, or a worker is called that only the control thread could answer for.
        case Token.call: return nil
        case Token.ready:
            guard readySignal.take() else { return nil }
            return state.withLock { $0.ready.popFirst() }
        default:
            guard let connection = table.claim(event.token) else {
                // A worker holds it, and may want to know.
                if event.isHangUp { hangUps.fire(token: event.token) }
                return nil
            }
            if event.isHangUp { connection.expectsEnd = true }
            return connection
        }
    }

    /// Reads what has arrived on a connection that the caller holds; nil when it has let go of it.
    func look(
        at connection: Connection, _ buffer: ReadBuffer, _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) -> Next? {
        switch connection.read(into: buffer, bodyPolicy: bodyPolicy) {
        case .request: return .request(connection)
        case .refused(let refusal): return .refused(connection, refusal)
        case .waiting: arm(connection)
        case .more: makeReady(connection)
        case .ended(let end): discard(connection, end)
        case .dismissed(let end):
            report(end)
            arm(connection)
        }
        return nil
    }
}
