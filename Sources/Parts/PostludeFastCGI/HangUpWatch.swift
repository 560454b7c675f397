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

    /// Stops watching. When this returns, the closure is not running and will not be called, unless the closure itself
    /// calls this.
    package func end() { watches.end(entry) }
}

/// The watched connections by token, since a descriptor's number may be reused.
final class HangUpWatches: Sendable {
    /// The closure of one connection, which is called at most once.
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

    /// Adds a watch. A connection has only one: a second one ends the first.
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

    /// Checks every watched connection.
    func checkAll() { check(entries.withLock { Array($0.values) }) }

    /// Fires the entries whose connections the web server has closed.
    func check(_ watched: [Entry]) {
        guard !watched.isEmpty else { return }
        // POLLRDHUP, which the C library declares only with _GNU_SOURCE.
        let closed: Int16 = 0x2000
        var polled = watched.map { pollfd(fd: $0.descriptor, events: closed, revents: 0) }
        guard poll(&polled, nfds_t(polled.count), 0) > 0 else { return }
        // If a number has been reused in the meantime, its entry is gone: the token is not found.
        for (entry, result) in zip(watched, polled) where result.revents != 0 { fire(token: entry.token) }
    }
}
