internal import Postlude

/// Stands for a task that was added before, by another request, and is not over.
struct KeptTask: StoredTask {
    let id: String
    let name: String

    var arguments: [any Sendable] { [] }
    var deadline: Duration? { nil }
    var retry: RetryPolicy { .none }
    var earlierAttempts: Int { 0 }
    var runsHere: Bool { false }

    func run() async throws {}
    func begin() -> Bool { false }
    func ended(_ end: StoredTaskEnd) {}
}
