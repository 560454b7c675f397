internal import FoundationEssentials
internal import Postlude
internal import PostludeBroker
internal import PostludeDurable
internal import PostludeSystem

/// A task from a queue, decoded as a durable task of this program.
final class ReceivedTask: PersistedTask {
    /// The task's end in this process.
    enum Outcome: Sendable {
        case done(result: Data?)
        case failed(any Error)
        /// The task expired before it began.
        case expired
        /// The task has ended itself, without success.
        case discarded
        /// The task has not begun, or not ended, at the end of the process, and is left to the next consumer.
        case released
    }

    let id: String
    let retry: RetryPolicy
    let deadline: Duration?
    private let kind: DurableTaskKind
    private let task: any DurableTask
    private let expires: Date?
    private let state = Lock<(result: Data?, outcome: Outcome)>((nil, .released))

    init(_ task: any DurableTask, kind: DurableTaskKind, from message: IncomingTask) {
        id = message.id
        self.kind = kind
        self.task = task
        expires = message.expires
        retry = kind.policy.retry
        deadline = kind.policy.deadline ?? Self.timeLimit(of: message)
    }

    /// Returns the sender's time limit: the soft one, or else the hard one. It applies if the kind has no deadline.
    private static func timeLimit(of message: IncomingTask) -> Duration? {
        guard case .list(let limits)? = message.headers["timelimit"], limits.count == 2 else { return nil }
        let seconds = limits.reversed().lazy.compactMap { limit -> Double? in
            switch limit {
            case .integer(let number): Double(number)
            case .number(let number): number
            default: nil
            }
        }.first
        guard let seconds, seconds > 0, seconds < 1e9 else { return nil }
        return .seconds(seconds)
    }

    var outcome: Outcome { state.withLock { $0.outcome } }

    var name: String { kind.name }
    var arguments: [any Sendable] { [task] }
    var earlierAttempts: Int { 0 }
    var runsHere: Bool { true }

    func run() async throws {
        guard let context = TaskContext.current else { throw CancellationError() }
        let result = try await task.result(context)
        state.withLock { $0.result = result }
    }

    func beginAttempt() -> Bool {
        guard let expires, expires <= Date() else { return true }
        state.withLock { $0.outcome = .expired }
        return false
    }

    func ended(_ result: AttemptResult) {
        state.withLock { state in
            switch result {
            case .done: state.outcome = .done(result: state.result)
            case .failed(let error), .moved(let error, _): state.outcome = .failed(error)
            case .discarded: state.outcome = .discarded
            case .retried, .postponed, .dropped, .stopped, .released, .cancelled, .cutOff:
                state.outcome = .released
            }
        }
    }
}

/// The result of decoding a message.
enum DecodedMessage {
    case task(ReceivedTask)
    case expired
    /// This program cannot run the task: the name of Celery's error for that case, and the reason.
    case refused(type: String, reason: String)

    init(_ message: IncomingTask, kinds: DurableTaskKinds, now: Date = Date()) {
        guard let kind = kinds[message.name] else {
            self = .refused(
                type: "NotRegistered", reason: "this program has no durable task called \(message.name)")
            return
        }
        if let expires = message.expires, expires <= now {
            self = .expired
            return
        }
        guard JSONText.elements(of: message.arguments.utf8)?.isEmpty == true else {
            self = .refused(
                type: "TypeError",
                reason:
                    "it has positional arguments; \(message.name) takes its members as named arguments (kwargs)"
            )
            return
        }
        do {
            let task = try kind.decode(Data(JSONText.plain(message.keywordArguments).utf8))
            self = .task(ReceivedTask(task, kind: kind, from: message))
        } catch {
            self = .refused(
                type: "TypeError",
                reason: "its named arguments (kwargs) are not those of \(kind.type): \(error)")
        }
    }
}
