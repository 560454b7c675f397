package import PostludeSystem
import Synchronization

/// The responses of a process that stay open without a worker.
///
/// Any thread parks a response, and tells of new output. One thread serves all of them (`ParkedResponseLoop`): it alone
/// writes to their connections, and reads from them. It never waits for one of them.
package final class ParkedResponses: OutputListener {
    /// What other threads have for the thread that serves.
    struct Inbox {
        var parked: [ParkedResponse] = []
        var changed: [ObjectIdentifier: any OutputSource] = [:]
        var ending = Ending.none
        var isStopping = false
    }

    /// What happens to all responses.
    enum Ending: Equatable {
        case none
        /// They are ended as complete ones.
        case finishing
        /// They are handed over to other processes; those that are left at the given time are ended.
        case handingOver(until: MonotonicTime)
    }

    static let signalToken = UInt64.max

    let poller: Poller
    let epoll: Epoll
    let signal: EventDescriptor
    private let inbox = Lock(Inbox())
    private let places = Atomic<Int>(0)

    package init(of poller: Poller) throws(SystemError) {
        self.poller = poller
        epoll = try Epoll()
        signal = try EventDescriptor()
        try epoll.add(signal.descriptor, .input, token: Self.signalToken)
    }

    /// The number of responses, including those for which a place is reserved.
    package var count: Int { places.load(ordering: .relaxed) }

    /// Reserves a place for one response.
    ///
    /// - Returns: false if there are `limit` already.
    package func reserve(atMost limit: Int) -> Bool {
        guard places.add(1, ordering: .relaxed).newValue <= limit else {
            release()
            return false
        }
        return true
    }

    /// Releases a reserved place that is not needed. A response releases its place when it ends.
    package func release() { places.subtract(1, ordering: .relaxed) }

    /// Takes a response, for which a place is reserved, and its connection. The caller has written the response's head,
    /// and no longer holds the connection.
    package func park(_ response: ParkedResponse) {
        poller.park(response.connection)
        put { $0.parked.append(response) }
    }

    package func outputChanged(of source: any OutputSource) {
        put { $0.changed[ObjectIdentifier(source)] = source }
    }

    /// Ends all responses, and each that is parked later, as complete ones. Called when the process drains, after
    /// `Poller.drain`.
    ///
    /// - Parameter time: how long to try to hand them over to other processes, which then continue them; nil if there are none.
    package func end(handingOverFor time: Duration? = nil) {
        let ending = time.map { Ending.handingOver(until: .now + $0) } ?? .finishing
        put { $0.ending = ending }
    }

    /// Has the thread that serves return. It closes the connections that are left.
    package func stop() { put { $0.isStopping = true } }

    private func put(_ change: (inout Inbox) -> Void) {
        inbox.withLock { change(&$0) }
        signal.signal()
    }

    func takeInbox() -> Inbox {
        signal.take()
        return inbox.withLock { inbox in
            defer {
                inbox.parked = []
                inbox.changed = [:]
            }
            return inbox
        }
    }
}

/// Serves parked responses, on one thread.
package final class ParkedResponseLoop {
    /// The responses of one source.
    private final class Group {
        let source: any OutputSource
        var members: [UInt64: ParkedResponse] = [:]

        init(_ source: any OutputSource) { self.source = source }
    }

    private static let longestInterval: Duration = .seconds(1)
    private static let shortestInterval: Duration = .milliseconds(10)

    private let shared: ParkedResponses
    /// The responses by the token of their connection.
    private var responses: [UInt64: ParkedResponse] = [:]
    private var groups: [ObjectIdentifier: Group] = [:]
    private var ending = ParkedResponses.Ending.none
    /// The interval at which comments are sent, and responses are ended whose web server takes nothing.
    private var interval = ParkedResponseLoop.longestInterval
    private var nextCheck = MonotonicTime.now
    /// The output after a position of one source, while all responses of that source are served.
    private var known: (position: Int, output: Output)?
    private let input = ReadBuffer()
    private var buffer: [UInt8] = []

    package init(_ shared: ParkedResponses) { self.shared = shared }

    /// Serves until `ParkedResponses.stop`.
    package func run() {
        while step() {}
    }

    /// Waits for events, and does what they require.
    ///
    /// - Parameter milliseconds: the longest wait; -1 for no limit.
    /// - Returns: false after `ParkedResponses.stop`.
    package func step(waiting milliseconds: Int32 = -1) -> Bool {
        var wait = timeout(atMost: milliseconds)
        // Bounded, so that comments are not late.
        for _ in 0..<256 {
            guard let event = shared.epoll.wait(milliseconds: wait) else { break }
            wait = 0
            if event.token == ParkedResponses.signalToken {
                guard takeInbox() else { return false }
            } else if let response = responses[event.token] {
                read(response)
            }
        }
        handOver()
        let now = MonotonicTime.now
        if now >= nextCheck { check(at: now) }
        return true
    }

    private func timeout(atMost milliseconds: Int32) -> Int32 {
        guard !responses.isEmpty else { return milliseconds }
        let left = max(0, (nextCheck - .now).saturatedNanoseconds)
        // Rounded up, so that the last fraction of a millisecond is not spent in a loop.
        var untilCheck = Int32(clamping: (left + 999_999) / 1_000_000)
        // The queue to the other processes was full.
        if case .handingOver = ending { untilCheck = 1 }
        return milliseconds < 0 ? untilCheck : min(milliseconds, untilCheck)
    }

    private func takeInbox() -> Bool {
        let inbox = shared.takeInbox()
        for response in inbox.parked { adopt(response) }
        for source in inbox.changed.keys { advance(groups[source]) }
        ending = inbox.ending
        if case .finishing = ending {
            for response in Array(responses.values) { finish(response) }
        }
        guard inbox.isStopping else { return true }
        for response in Array(responses.values) { drop(response, .closed) }
        return false
    }

    private func adopt(_ response: ParkedResponse) {
        let token = response.connection.token
        let source = ObjectIdentifier(response.source)
        if responses.isEmpty {
            interval = Self.longestInterval
            nextCheck = .now
        }
        responses[token] = response
        if let group = groups[source] {
            group.members[token] = response
        } else {
            let group = Group(response.source)
            group.members[token] = response
            groups[source] = group
            response.source.add(shared)
        }
        let wanted = max(Self.shortestInterval, min(response.keepAlive, response.writeTime) / 2)
        if wanted < interval {
            interval = wanted
            nextCheck = min(nextCheck, .now + wanted)
        }
        do {
            try shared.epoll.add(response.connection.descriptor, .inputEdge, token: token)
        } catch {
            return drop(response, .lost)
        }
        read(response)
        if responses[token] != nil { advance(response) }
    }

    /// Reads what the web server has sent, and writes on if it has not taken everything.
    private func read(_ response: ParkedResponse) {
        switch response.connection.readParked(into: input, isWithinRecord: response.isWithinRecord) {
        case .open: if response.blockedSince != nil { advance(response) }
        case .aborted: finish(response)
        case .ended(let end): drop(response, end)
        }
    }

    /// Writes new output of a source to all of its responses.
    private func advance(_ group: Group?) {
        guard let group else { return }
        // Most responses are at the same position. Output that comes from now on is told of again.
        defer { known = nil }
        for response in Array(group.members.values) where response.blockedSince == nil {
            if let known, known.position == response.position {
                advance(response, with: known.output)
            } else {
                let output = response.source.output(after: response.position)
                known = (response.position, output)
                advance(response, with: output)
            }
        }
    }

    /// Writes what a response has not sent yet, as long as the web server takes it.
    ///
    /// - Parameter first: the output after the response's position; nil if it is not known.
    private func advance(_ response: ParkedResponse, with first: Output? = nil) {
        var first = first
        var sending = response.sendRest()
        var hasMore = true
        while hasMore, case .all = sending {
            switch first ?? response.source.output(after: response.position) {
            case .pieces(let pieces, let andMore):
                sending = response.send(pieces, through: &buffer)
                hasMore = andMore
            case .end: return finish(response)
            case .lost: return drop(response, .tooSlow)
            }
            first = nil
        }
        handle(sending, of: response)
    }

    /// Has epoll report when the web server takes more, as long as it takes nothing.
    private func handle(_ sending: ParkedResponse.Sending, of response: ParkedResponse) {
        if case .closed = sending { return drop(response, .closed) }
        let isBlocked = response.blockedSince != nil
        guard isBlocked != response.isWatchedForOutput else { return }
        response.isWatchedForOutput = isBlocked
        do {
            try shared.epoll.modify(
                response.connection.descriptor, isBlocked ? .inputOutputEdge : .inputEdge,
                token: response.connection.token)
        } catch {
            drop(response, .lost)
        }
    }

    private func check(at now: MonotonicTime) {
        for response in Array(responses.values) {
            if let start = response.blockedSince {
                if now - start >= response.writeTime || response.hasLostOutput { drop(response, .tooSlow) }
            } else if now - response.lastWrite >= response.keepAlive {
                handle(response.sendComment(), of: response)
            }
        }
        nextCheck = now + interval
    }

    /// Hands responses over to other processes, as many as their queue takes, if the process drains and others continue to
    /// serve. Ends those that cannot be handed over.
    private func handOver() {
        guard case .handingOver(let end) = ending else { return }
        let isLate = MonotonicTime.now >= end
        for response in Array(responses.values) {
            advance(response)
            guard responses[response.connection.token] != nil else { continue }
            guard !isLate, let queue = shared.poller.handover, let request = response.requestForHandover
            else {
                finish(response)
                continue
            }
            guard queue.send(response.connection.descriptor, parked: request) else { return }
            // The socket outlives this process's descriptor: the kernel would continue to report it here.
            shared.epoll.remove(response.connection.descriptor)
            drop(response, .closed)
        }
    }

    /// Ends a response as a complete one. Its connection can carry the next request.
    private func finish(_ response: ParkedResponse) {
        guard remove(response) else { return }
        guard response.sendEnd() else { return shared.poller.discard(response.connection, .closed) }
        shared.epoll.remove(response.connection.descriptor)
        shared.poller.giveBack(response.connection, keep: response.keepsConnection, isOpen: true)
    }

    /// Closes a response's connection, without END_REQUEST.
    private func drop(_ response: ParkedResponse, _ end: ConnectionEnd) {
        guard remove(response) else { return }
        shared.poller.discard(response.connection, end)
    }

    /// - Returns: false if the response has ended before.
    private func remove(_ response: ParkedResponse) -> Bool {
        let token = response.connection.token
        guard responses.removeValue(forKey: token) != nil else { return false }
        shared.release()
        let source = ObjectIdentifier(response.source)
        if let group = groups[source] {
            group.members[token] = nil
            if group.members.isEmpty {
                groups[source] = nil
                response.source.remove(shared)
            }
        }
        return true
    }
}
