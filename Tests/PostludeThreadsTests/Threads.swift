import Glibc
import PostludeSystem
import PostludeThreads

/// Identifies a thread.
func currentThread() -> UInt { UInt(pthread_self()) }

/// Runs `body` on a thread of its own, on which it may block: Swift Testing's own threads must not.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try WorkerThread(name: "test") { continuation.resume(with: Result { try body() }) }.detach()
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// An event that happens once, for which async code can wait.
final class Event: Sendable {
    private struct State {
        var hasHappened = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())

    func happen() {
        let waiting = state.withLock { state in
            state.hasHappened = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let hasHappened = state.withLock { state in
                if !state.hasHappened { state.waiting.append(continuation) }
                return state.hasHappened
            }
            if hasHappened { continuation.resume() }
        }
    }
}

/// Events, in order, from any threads.
final class Record<Entry: Sendable>: Sendable {
    private let all = Lock<[Entry]>([])

    var entries: [Entry] { all.withLock { $0 } }

    func append(_ entry: Entry) { all.withLock { $0.append(entry) } }
}
