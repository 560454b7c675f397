import Glibc
import PostludeSystem
import PostludeThreads

/// Events, in order, from any threads.
final class Record<Entry: Sendable>: Sendable {
    private let all = Lock<[Entry]>([])

    var entries: [Entry] { all.withLock { $0 } }

    func append(_ entry: Entry) { all.withLock { $0.append(entry) } }
}

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
