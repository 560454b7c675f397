internal import DequeModule
import Glibc
package import PostludeSystem
import Synchronization

/// Watches the listening socket and all idle connections of a process, and gives each free worker one request.
///
/// Workers wait in `next`; the kernel wakes one of them for each event. A connection belongs to the worker that took it
/// until `giveBack`, and then to the poller. So tasks occupy a worker, but never a connection.
package final class Poller: Sendable {
    /// The result of `next`.
    package enum Next {
        case request(Connection)
        case refused(Connection, Refusal)
        /// The worker was woken by `call`.
        case called
        /// The wait has timed out.
        case nothing
        /// The process drains, and no connection is left.
        case stopped
    }

    enum Token {
        static let listener = UInt64.max
        static let ready = UInt64.max - 1
        static let stop = UInt64.max - 2
        static let handover = UInt64.max - 3
        static let call = UInt64.max - 4
    }

    /// What the process does with idle connections.
    enum Stage: UInt8, AtomicRepresentable {
        case serving
        /// Idle connections are closed.
        case closing
        /// Idle connections are handed over to the other processes, which continue to serve.
        case handingOver
    }

    /// The state under the lock, which changes rarely.
    struct State {
        /// Ready connections: a worker takes them without an event of their sockets.
        var ready = Deque<Connection>()
        /// Requests that the control thread has read while every worker was busy.
        var waiting = Deque<WaitingRequest>()
        var isListening = true
        var acceptFailure: SystemError?
        /// The time since which the control thread has found the handover queue filled, while this process does not
        /// receive from it.
        var queueFilledSince: MonotonicTime?
    }

    let epoll: Epoll
    let listener: Listener
    let handover: HandoverQueue?
    private let webServers: WebServers
    /// The limits and times of new connections.
    private let bounds: Lock<(limits: GateLimits, times: ConnectionTimes)>
    let table = ConnectionTable()
    let drainDeadline = DrainDeadline()
    private let hangUps = HangUpWatches()
    let state = Lock(State())
    let stage = Atomic<Stage>(.serving)
    /// Signalled at least once for each ready connection and each waiting request.
    private let readySignal: EventDescriptor
    private let waitingRequests = Atomic<Int>(0)
    private let stopSignal: EventDescriptor
    private let callSignal: EventDescriptor
    private let waiting = Atomic<Int>(0)
    private let parked = ParkedWorkers()
    /// The number of workers that may wait for events at the same time.
    private let width: Atomic<Int>
    private let leastWidth: Int
    private let taken = Atomic<Int>(0)
    /// Whether this process leaves the connections in the handover queue to the other processes.
    let receivingIsPaused = Atomic<Bool>(false)
    /// The monotonic time before which no connection is offered to other processes, in nanoseconds.
    let offersResume = Atomic<Int64>(0)
    private let errorFormat: ShortResponse.Format
    let isRoomElsewhere: @Sendable () -> Bool
    let onReceivingPaused: @Sendable () -> Void
    private let onNoneWaiting: @Sendable () -> Void
    private let report: @Sendable (ConnectionEnd) -> Void
    private let answered: @Sendable (UnservedRequest) -> Void

    /// - Parameters:
    ///   - handover: the queue between the processes that share the listening socket; nil if there is only one process.
    ///   - width: the number of workers that wait for events at the same time, as long as none is blocked: one for each
    ///     core.
    ///   - errorFormat: the format of the answers that no worker makes.
    ///   - isRoomElsewhere: called for each connection on which something has arrived; returns whether this process
    ///     could not run its request's tasks now, and another one could.
    ///   - onReceivingPaused: called when this process stops receiving from the handover queue; the caller must then call
    ///     `resumeReceivingIfNeeded` every few milliseconds.
    ///   - onNoneWaiting: called by the worker that was the last one to wait for events.
    ///   - report: called for each connection that has ended abnormally.
    ///   - answered: called for each request that was answered without a worker.
    package init(
        listener: Listener, handover: HandoverQueue? = nil, webServers: WebServers,
        limits: GateLimits, times: ConnectionTimes, width: Int, errorFormat: ShortResponse.Format = .detail,
        isRoomElsewhere: @escaping @Sendable () -> Bool = { false },
        onReceivingPaused: @escaping @Sendable () -> Void = {}, onNoneWaiting: @escaping @Sendable () -> Void,
        report: @escaping @Sendable (ConnectionEnd) -> Void,
        answered: @escaping @Sendable (UnservedRequest) -> Void = { _ in }
    ) throws(SystemError) {
        self.listener = listener
        self.handover = handover
        self.webServers = webServers
        bounds = Lock((limits, times))
        self.errorFormat = errorFormat
        self.isRoomElsewhere = isRoomElsewhere
        self.onReceivingPaused = onReceivingPaused
        self.onNoneWaiting = onNoneWaiting
        self.report = report
        self.answered = answered
        epoll = try Epoll()
        self.width = Atomic(width)
        leastWidth = width
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

    /// Waits for a request that is complete or refused.
    ///
    /// - Parameters:
    ///   - buffer: the calling worker's own buffer.
    ///   - milliseconds: how long to wait; -1 for no limit.
    ///   - bodyPolicy: called for each request that has a body.
    package func next(
        reading buffer: ReadBuffer, waiting milliseconds: Int32, bodyPolicy: (RequestHead) -> BodyPolicy
    ) -> Next {
        let end = milliseconds < 0 ? nil : MonotonicTime.now + .milliseconds(milliseconds)
        var left = milliseconds
        while true {
            // These requests have waited longest.
            if let request = takeWaiting() { return request.next }
            guard startWaiting() else {
                switch parked.park(until: end, unless: { !isEnoughWaiting }) {
                case .called:
                    if let end {
                        left = Int32(clamping: max(0, (end - .now).saturatedNanoseconds / 1_000_000))
                    }
                    continue
                case .stopped: return .stopped
                case .nothing: return .nothing
                }
            }
            let event = epoll.wait(milliseconds: left)
            if waiting.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { onNoneWaiting() }
            taken.wrappingAdd(1, ordering: .relaxed)
            guard let event else { return .nothing }
            guard event.token != Token.stop else { return .stopped }
            if event.token == Token.call, callSignal.take() { return .called }
            guard let connection = take(event), !offer(connection) else { continue }
            if let next = look(at: connection, buffer, bodyPolicy) { return next }
        }
    }

    /// Wakes one worker, the next that is free, for work that did not arrive on a connection.
    package func call() { callSignal.signal() }

    /// Takes a connection back from a worker after finish.
    ///
    /// - Parameters:
    ///   - keep: whether the connection may carry another request.
    ///   - isOpen: false if libfcgi has closed the descriptor after a write error.
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
            guard !connection.isAtRest else { return discard(connection, .closed) }
            connection.beginLingering()
        }
        if connection.hasUnreadBytes || connection.expectsEnd || connection.mayHoldMore {
            makeReady(connection)
        } else {
            arm(connection)
        }
    }

    /// Lets a connection's response stay open without the worker that holds the connection. No event of the connection reaches
    /// a worker until `giveBack` or `discard`, which the caller calls, or another thread to which it passes the connection.
    func park(_ connection: Connection) {
        if connection.isWatched { endWatch(of: connection) }
        if connection.isRegistered {
            epoll.remove(connection.descriptor)
            connection.isRegistered = false
        }
        connection.park()
    }

    // MARK: Connections

    private func take(_ event: Epoll.Event) -> Connection? {
        switch event.token {
        case Token.listener: return acceptSome()
        case Token.handover: return receiveSome()
        // Another worker has taken the call; or the control thread has got the event, and leaves the call to a worker.
        case Token.call: return nil
        case Token.ready:
            guard readySignal.take() else { return nil }
            return state.withLock { $0.ready.popFirst() }
        default:
            guard let connection = table.claim(event.token) else {
                // A worker holds the connection, and may be watching it.
                if event.isHangUp { hangUps.fire(token: event.token) }
                return nil
            }
            if event.isHangUp { connection.expectsEnd = true }
            return connection
        }
    }

    /// Reads what has arrived on a connection that the caller holds.
    ///
    /// - Returns: nil if there is no request; the caller then no longer holds the connection.
    private func look(
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

/// How many workers wait for events, and which are parked.
///
/// At most `width` workers wait at the same time; the others are parked. A few workers that are rarely idle keep their
/// caches warm, and the kernel need not wake another one for each request. Initially, `width` is one for each core.
///
/// - A worker that will be busy for long, because it is about to run tasks, steps aside (`stepAside`): a parked worker
///   takes its place at once.
/// - If all workers that may wait are blocked, and events are pending, the control thread increases the width
///   (`widen`).
/// - From time to time, the control thread reduces it again (`narrow`).
extension Poller {
    /// The epoll descriptor, which is readable while an event is pending.
    package var descriptor: Int32 { epoll.descriptor }
    /// Whether an event is pending.
    package var hasEvents: Bool { isReadable(epoll.descriptor) }
    /// Whether a worker is free.
    package var isAnyWorkerWaiting: Bool { waiting.load(ordering: .sequentiallyConsistent) > 0 }
    /// Whether the workers are to stop.
    package var hasStopped: Bool { isReadable(stopSignal.descriptor) }
    /// Whether other processes may take connections of this one.
    package var hasSiblings: Bool { handover != nil }
    package var isAnyWorkerParked: Bool { parked.count > 0 }
    /// The number of times that a worker has returned from waiting for an event. It does not change while all of them
    /// are blocked.
    package var takenEvents: Int { taken.load(ordering: .relaxed) }

    /// Lets a parked worker take the place of the calling one, which will be busy for long. Does nothing if enough
    /// others wait.
    package func stepAside() {
        if !isEnoughWaiting { parked.call() }
    }

    /// Lets one more worker wait for events, and calls a parked one for it.
    ///
    /// - Returns: false if no worker is parked.
    package func widen() -> Bool {
        guard isAnyWorkerParked else { return false }
        width.add(1, ordering: .relaxed)
        parked.call()
        return true
    }

    /// Reduces the width by one, but not below its initial value.
    package func narrow() {
        if width.load(ordering: .relaxed) > leastWidth { width.subtract(1, ordering: .relaxed) }
    }

    private var isEnoughWaiting: Bool {
        waiting.load(ordering: .sequentiallyConsistent) >= width.load(ordering: .relaxed)
    }

    /// Counts the calling worker among those that wait.
    ///
    /// - Returns: false if enough workers wait already.
    private func startWaiting() -> Bool {
        let count = waiting.add(1, ordering: .sequentiallyConsistent).newValue
        guard count > width.load(ordering: .relaxed) else { return true }
        waiting.subtract(1, ordering: .sequentiallyConsistent)
        return false
    }
}

/// The sources of connections: the listening socket, and other processes.
extension Poller {
    /// Sets the limits and times of new connections.
    package func use(limits: GateLimits, times: ConnectionTimes) {
        bounds.withLock { $0 = (limits, times) }
    }

    private func watchListener() throws(SystemError) {
        try epoll.add(listener.descriptor, .acceptEdge, token: Token.listener)
    }

    func watchHandover() throws(SystemError) {
        guard let handover else { return }
        try epoll.add(handover.receiving, .acceptEdge, token: Token.handover)
        receivingIsPaused.store(false, ordering: .sequentiallyConsistent)
    }

    /// Accepts queued connections; if other processes could take the rest, no more than this process has free workers
    /// for.
    ///
    /// - Returns: the first one, which the caller serves itself.
    private func acceptSome() -> Connection? {
        let first = acceptOne()
        guard first != nil else { return nil }
        for _ in 0..<room {
            guard let other = acceptOne() else { return first }
            arm(other)
        }
        // The listener is edge-triggered: added again, it reports the connections that are left.
        rewatch(listener.descriptor, watchListener)
        return first
    }

    /// Receives connections of other processes, within the same bound.
    ///
    /// - Returns: the first one, which the caller serves itself.
    private func receiveSome() -> Connection? {
        var first: Connection?
        for _ in 0...room {
            switch receiveOne() {
            case .connection(let connection):
                if first == nil { first = connection } else { arm(connection) }
            case .nudge:
                rewatch(listener.descriptor, watchListener)
            case .dropped:
                continue
            case .nothing:
                return first
            }
        }
        if let handover { rewatch(handover.receiving, watchHandover) }
        return first
    }

    /// Tries again to accept and receive connections after a failure. Called by the control thread.
    ///
    /// If a worker is free, also takes connections that the kernel has reported to a process that was killed before it
    /// could take them.
    ///
    /// - Returns: the failure since the last call, if there was one.
    package func retryAccepting() -> SystemError? {
        let (isListening, failure) = state.withLock { state in
            defer { state.acceptFailure = nil }
            return (state.isListening, state.isListening ? state.acceptFailure : nil)
        }
        guard isListening, failure != nil || isAnyWorkerWaiting else { return nil }
        if failure != nil || isReadable(listener.descriptor) { rewatch(listener.descriptor, watchListener) }
        // A process that is away from the queue returns in `resumeReceivingIfNeeded`.
        if let handover, !isReceivingPaused, failure != nil || isReadable(handover.receiving) {
            rewatch(handover.receiving, watchHandover)
        }
        return failure
    }

    func acceptOne() -> Connection? {
        table.expectOne()
        defer { expectedOneIsKnown() }
        while true {
            do {
                guard let (descriptor, peer) = try listener.accept() else { return nil }
                if let refusal = webServers.refusal(of: peer, on: descriptor) {
                    Glibc.close(descriptor)
                    report(refusal)
                    continue
                }
                guard let connection = insert(descriptor, peer, hasServed: false) else { continue }
                return connection
            } catch {
                // Out of descriptors or memory: the control thread tries again.
                state.withLock { if $0.isListening { $0.acceptFailure = error } }
                return nil
            }
        }
    }

    enum Received {
        case connection(Connection)
        case nudge, dropped, nothing
    }

    /// Receives one message of another process. The peer is not checked again: it was checked when its connection was
    /// accepted.
    func receiveOne() -> Received {
        guard let handover else { return .nothing }
        table.expectOne()
        defer { expectedOneIsKnown() }
        do {
            switch try handover.receive() {
            case .connection(let descriptor, let hasServed, let moves):
                let peer = SocketAddress(peerOf: descriptor) ?? .unix(path: "")
                return insert(descriptor, peer, hasServed: hasServed, moves: moves).map { .connection($0) }
                    ?? .dropped
            case .parked(let descriptor, let request):
                guard let head = request.head else {
                    Glibc.close(descriptor)
                    return .dropped
                }
                let peer = SocketAddress(peerOf: descriptor) ?? .unix(path: "")
                guard let connection = insert(descriptor, peer, hasServed: true) else { return .dropped }
                connection.resume(head)
                return .connection(connection)
            case .nudge: return .nudge
            case nil: return .nothing
            }
        } catch {
            state.withLock { if $0.isListening { $0.acceptFailure = error } }
            return .nothing
        }
    }

    private func insert(
        _ descriptor: Int32, _ peer: SocketAddress, hasServed: Bool, moves: Int = 0
    ) -> Connection? {
        let (limits, times) = bounds.withLock { $0 }
        let connection = Connection(
            descriptor: descriptor, peer: peer, limits: limits, times: times, hasServed: hasServed,
            drainDeadline: drainDeadline)
        connection.moves = moves
        if table.insert(connection) { return connection }
        Glibc.close(descriptor)
        report(.tooMany)
        return nil
    }

    private func expectedOneIsKnown() {
        table.expectOneLess()
        stopIfDone()
    }

    /// How many connections may be taken besides the one that the caller serves.
    private var room: Int {
        guard handover != nil else { return 64 }
        return waiting.load(ordering: .relaxed) + parked.count
    }

    /// Removes a descriptor from epoll and adds it again, so that what has arrived already is reported.
    func rewatch(_ descriptor: Int32, _ watch: () throws(SystemError) -> Void) {
        // Under the lock: of two concurrent calls, the second one would fail to add. And once the process drains, a
        // descriptor that is watched here would take events that other processes need.
        state.withLock { state in
            guard state.isListening else { return }
            epoll.remove(descriptor)
            do throws(SystemError) {
                try watch()
            } catch {
                state.acceptFailure = error
            }
        }
    }
}

/// How a connection becomes armed, ready or closed.
extension Poller {

    package var connectionCount: Int { table.count }

    /// Closes the connections whose deadline has passed.
    package func closeOverdue(at now: MonotonicTime) {
        for connection in table.claimOverdue(at: now) {
            // It may have been served, and armed again, between the look at its deadline and the claim.
            guard let deadline = connection.deadline, deadline <= now else {
                arm(connection)
                continue
            }
            if isAnyWorkerWaiting || !connection.hasArrivals {
                giveUp(connection)
            } else {
                // Bytes have arrived, but every worker is busy: the peer is not late.
                connection.renewDeadline(at: now)
                arm(connection)
            }
        }
    }

    private func giveUp(_ connection: Connection) {
        guard connection.isCollecting else {
            return discard(connection, connection.isLingering ? .closed : .timedOut)
        }
        report(.timedOut)
        let (head, _) = connection.takeRequest()
        let isDraining = stage.load(ordering: .sequentiallyConsistent) != .serving
        let answer =
            isDraining
            ? ShortResponse.serviceUnavailable(retryAfter: .seconds(1), format: errorFormat)
            : .requestTimeout(format: errorFormat)
        let request = UnservedRequest(
            head, on: connection, since: connection.bodyStart ?? .now, answer: answer)
        answered(request)
        guard request.isSent else { return discard(connection, .closed) }
        connection.finishRequest()
        connection.beginLingering()
        arm(connection)
    }

    /// Arms a connection that the caller holds: the next event gives it to a worker. One whose request needs no event is
    /// ready at once.
    func arm(_ connection: Connection) {
        guard !connection.hasResumedRequest else { return makeReady(connection) }
        let before = stage.load(ordering: .sequentiallyConsistent)
        guard before == .serving || keepOrDiscard(connection, in: before) else { return }
        do {
            try register(connection)
        } catch {
            return discard(connection, .lost)
        }
        let token = connection.token
        guard !table.arm(connection) else {
            // The process has begun to drain, and may have looked at its connections before this one was armed.
            if stage.load(ordering: .sequentiallyConsistent) != before, let again = table.claim(token) {
                arm(again)
            }
            return
        }
        // An event has come in the meantime. The caller may have tasks to run, so another worker takes the connection.
        connection.expectsEnd = true
        makeReady(connection)
    }

    private func makeReady(_ connection: Connection) {
        state.withLock { $0.ready.append(connection) }
        readySignal.signal()
    }

    func discard(_ connection: Connection, _ end: ConnectionEnd) {
        table.remove(connection)
        Glibc.close(connection.descriptor)
        ended(end)
    }

    private func ended(_ end: ConnectionEnd) {
        if end != .closed { report(end) }
        stopIfDone()
    }

    func stopIfDone() {
        guard stage.load(ordering: .sequentiallyConsistent) != .serving, table.count == 0 else { return }
        stopSignal.signal()
        parked.stop()
    }
}

/// Hang-up of the web server while a worker holds the connection: the client has gone, and the response will not be
/// read.
extension Poller {
    /// Calls `onHangUp` once when the web server has closed the connection, or its side of it; if it already has,
    /// immediately and on the calling thread.
    ///
    /// Called by the worker that holds the connection, while its descriptor is open. End the watch before `giveBack`,
    /// which removes it but does not wait for a closure that is running. A second watch of the same connection ends the
    /// first.
    ///
    /// - Parameter onHangUp: called on the thread that detects the hang-up: another worker's, or the control thread. It
    ///   must be short, and must not wait for a thread that could be ending the watch.
    package func watchHangUp(
        of connection: Connection, _ onHangUp: @escaping @Sendable () -> Void
    ) -> HangUpWatch {
        let entry = HangUpWatches.Entry(
            token: connection.token, descriptor: connection.descriptor, onHangUp: onHangUp)
        guard !connection.isForgotten else {
            entry.fire()
            return HangUpWatch(entry, of: hangUps)
        }
        connection.isWatched = true
        // Before the check: a later event finds the entry, and the check detects an earlier hang-up on the socket.
        hangUps.add(entry)
        // If this fails, `checkHangUps` still checks the connection, and `arm` handles the error.
        try? register(connection)
        hangUps.check([entry])
        return HangUpWatch(entry, of: hangUps)
    }

    /// Checks the watched connections without epoll, since no worker takes events while all are busy. Called by the
    /// control thread.
    package func checkHangUps() { hangUps.checkAll() }

    /// Ends the hang-up watch of a connection. Called before the connection may be closed, since the descriptor's number
    /// may then be reused.
    private func endWatch(of connection: Connection) {
        connection.isWatched = false
        hangUps.end(token: connection.token)
    }

    /// Adds a connection to epoll: from now on each arrival is an event, even while a worker holds the connection.
    private func register(_ connection: Connection) throws(SystemError) {
        guard !connection.isRegistered else { return }
        try epoll.add(connection.descriptor, .inputEdge, token: connection.token)
        connection.isRegistered = true
    }
}

/// Requests that are complete while every worker is busy: they wait here, and are refused after a while.
extension Poller {
    struct WaitingRequest {
        let next: Next
        let start: MonotonicTime
        let deadline: MonotonicTime
    }

    /// Whether a request that the control thread has read waits for a worker.
    package var hasWaitingRequests: Bool { waitingRequests.load(ordering: .sequentiallyConsistent) > 0 }

    /// Reads what has arrived in place of the workers, all of which are busy. Connections that other processes can take
    /// are first offered to them. Called by the control thread.
    ///
    /// - Parameters:
    ///   - buffer: the control thread's own buffer.
    ///   - time: how long each request may wait for a worker from now on.
    ///   - bodyPolicy: called for each request that has a body.
    package func collectWaiting(
        reading buffer: ReadBuffer, within time: Duration, bodyPolicy: (RequestHead) -> BodyPolicy
    ) {
        // No process has a free worker for these connections, and nothing refuses their requests while they are in the
        // queue.
        for connection in receiveOffered() { collect(connection, buffer, time, bodyPolicy) }
        var looksAtReady = 0
        var hasHandedOver = false
        defer { if hasHandedOver, let handover { rewatch(handover.receiving, watchHandover) } }
        // Bounded, since the control thread has other work.
        for _ in 0..<256 {
            guard !isAnyWorkerWaiting, !isAnyWorkerParked, let event = epoll.wait(milliseconds: 0),
                event.token != Token.stop
            else { return }
            let connection: Connection?
            if event.token == Token.ready {
                // Waiting requests, which stay, signal this, too. When it comes for the second time without a ready
                // connection, epoll has reported everything else.
                connection = state.withLock { $0.ready.popFirst() }
                if connection == nil { looksAtReady += 1 } else { readySignal.take() }
                guard looksAtReady < 2 else { return }
            } else if event.token == Token.handover, hasHandedOver {
                // Another process may have a free worker: it has until the next call to take the connection.
                continue
            } else {
                connection = take(event)
                if let connection, connection.token == event.token, handOver(connection) {
                    hasHandedOver = true
                    continue
                }
            }
            if let connection { collect(connection, buffer, time, bodyPolicy) }
        }
    }

    private func collect(
        _ connection: Connection, _ buffer: ReadBuffer, _ time: Duration,
        _ bodyPolicy: (RequestHead) -> BodyPolicy
    ) {
        guard let next = look(at: connection, buffer, bodyPolicy) else { return }
        let now = MonotonicTime.now
        state.withLock { state in
            state.waiting.append(WaitingRequest(next: next, start: now, deadline: now + time))
            // Under the lock, so that the count is raised before another thread takes the request and reduces it.
            waitingRequests.add(1, ordering: .sequentiallyConsistent)
        }
        readySignal.signal()
    }

    /// Receives the connections that wait for a free worker of any process, as long as this process has none.
    private func receiveOffered() -> [Connection] {
        var connections: [Connection] = []
        guard let handover, stage.load(ordering: .sequentiallyConsistent) == .serving else { return [] }
        // Bounded, as above.
        while connections.count < 256, !isAnyWorkerWaiting, !isAnyWorkerParked {
            switch receiveOne() {
            case .connection(let connection): connections.append(connection)
            case .nudge: rewatch(listener.descriptor, watchListener)
            case .dropped: continue
            case .nothing: return connections
            }
        }
        rewatch(handover.receiving, watchHandover)
        return connections
    }

    /// Answers the requests that have waited too long. Their connections are kept. Called by the control thread.
    ///
    /// - Returns: the number of requests answered.
    package func refuseWaiting(at now: MonotonicTime, with response: ShortResponse) -> Int {
        var count = 0
        while let request = takeWaiting(where: { $0.deadline <= now }) {
            count += 1
            let connection: Connection
            switch request.next {
            case .request(let taken), .refused(let taken, _): connection = taken
            case .called, .nothing, .stopped: continue
            }
            let (head, _) = connection.takeRequest()
            let unserved = UnservedRequest(head, on: connection, since: request.start, answer: response)
            giveBack(connection, keep: head.keepsConnection && unserved.isSent, isOpen: true)
            answered(unserved)
        }
        return count
    }

    /// Takes the request that has waited longest.
    ///
    /// The signal of the request is not taken, although it then wakes a worker that finds no work: a signal taken here
    /// could be that of a ready connection.
    ///
    /// - Parameter isWanted: returns whether the request may be taken.
    /// - Returns: nil if no request waits, or the first one may not be taken.
    private func takeWaiting(where isWanted: (WaitingRequest) -> Bool = { _ in true }) -> WaitingRequest? {
        guard hasWaitingRequests else { return nil }
        return state.withLock { state in
            guard let first = state.waiting.first, isWanted(first) else { return nil }
            waitingRequests.subtract(1, ordering: .sequentiallyConsistent)
            return state.waiting.popFirst()
        }
    }
}
