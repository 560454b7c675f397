import Glibc
import PostludeSystem

/// Waits for the web server to close a connection that a worker holds; made by `Poller.watchHangUp`.
package final class HangUpWatch: Sendable {
    private let entry: HangUpWatches.Entry
    private let watches: HangUpWatches

    init(_ entry: HangUpWatches.Entry, of watches: HangUpWatches) {
        self.entry = entry
        self.watches = watches
    }

    deinit { end() }

    /// Stops watching. When this returns, the closure is neither running nor will it be called, except where
    /// it is the closure itself that calls this.
    package func end() { watches.end(entry) }
}

/// The connections whose hang-up a caller waits for, by their token: a descriptor's number may change hands.
final class HangUpWatches: Sendable {
    /// What is called for one connection, at most once.
    final class Entry: Sendable {
        let token: UInt64
        let descriptor: Int32
        /// Held while the closure runs.
        private let running = Lock(())
        private let state: Lock<State>

        private struct State {
            var onHangUp: (@Sendable () -> Void)?
            var runner: pthread_t?
        }

        init(token: UInt64, descriptor: Int32, onHangUp: @escaping @Sendable () -> Void) {
            self.token = token
            self.descriptor = descriptor
            state = Lock(State(onHangUp: onHangUp))
        }

        func fire() {
            running.withLock { _ in
                let onHangUp = state.withLock { state in
                    defer { state.onHangUp = nil }
                    state.runner = pthread_self()
                    return state.onHangUp
                }
                onHangUp?()
                state.withLock { $0.runner = nil }
            }
        }

        func end() {
            let isRunner = state.withLock { state in
                state.onHangUp = nil
                return state.runner.map { pthread_equal($0, pthread_self()) != 0 } ?? false
            }
            if !isRunner { running.withLock { _ in } }
        }
    }

    private let entries = Lock<[UInt64: Entry]>([:])

    /// A connection has one watch: a second one ends the first.
    func add(_ entry: Entry) {
        entries.withLock { $0.updateValue(entry, forKey: entry.token) }?.end()
    }

    func end(_ entry: Entry) {
        entries.withLock { if $0[entry.token] === entry { $0[entry.token] = nil } }
        entry.end()
    }

    func end(token: UInt64) {
        entries.withLock { $0.removeValue(forKey: token) }?.end()
    }

    func fire(token: UInt64) {
        entries.withLock { $0.removeValue(forKey: token) }?.fire()
    }

    /// Looks at every connection that is watched.
    func checkAll() { check(entries.withLock { Array($0.values) }) }

    /// Fires those of the entries whose connections the web server has closed.
    func check(_ watched: [Entry]) {
        guard !watched.isEmpty else { return }
        // Linux's POLLRDHUP, which the C library shows under _GNU_SOURCE only.
        let closed: Int16 = 0x2000
        var polled = watched.map { pollfd(fd: $0.descriptor, events: closed, revents: 0) }
        guard poll(&polled, nfds_t(polled.count), 0) > 0 else { return }
        // A number that has changed hands since is of an entry that has gone: looked up by its token, it is
        // not found.
        for (entry, result) in zip(watched, polled) where result.revents != 0 { fire(token: entry.token) }
    }
}
