internal import PostludeLogOutput

/// An error by which a task says what is to follow, instead of failing.
///
/// ```swift
/// func run(_ context: TaskContext) async throws {
///     let answer = try await attemptDelivery(of: message)
///     switch answer.status {
///     case 410: throw TaskError.discard("the address is gone")
///     case 429: throw TaskError.retry(after: .seconds(answer.retryAfter))
///     default: break
///     }
/// }
/// ```
///
/// The attempt ends when it is thrown. Errors of other types can have the same meaning: see ``RetryPolicy/onError``.
public enum TaskError: Error, Sendable, Hashable {
    /// Ends the task as discarded, for a reason, which the log and the record of a durable task show. It has not failed: it is
    /// no dead letter, and ``Application/taskFailed(_:)`` is not called. The later tasks that depend on it (`stopOnFailure`) are
    /// dropped; durable ones are discarded, too.
    case discard(String)
    /// Makes another attempt later. The one that throws this does not count, so that a task can wait for something as often
    /// as it likes.
    ///
    /// The later tasks of the request wait for an ordinary task. A durable task waits in the task store, in no process: its
    /// later tasks do not wait for it unless they depend on it.
    case snooze(for: Duration)
    /// Fails the attempt, and makes the next one, if one is left, after this time instead of the policy's delay: what a provider
    /// has asked for by `Retry-After`. The reason is the text of the error. A durable task waits in the task store, as for
    /// ``snooze(for:)``.
    case retry(after: Duration, String? = nil)
}

extension TaskError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .discard(let reason): reason
        case .snooze(let delay): "snoozed for \(delay)"
        case .retry(let delay, let reason): reason ?? "another attempt is to follow after \(delay)"
        }
    }
}

/// What follows an attempt that has thrown an error of a type.
public struct TaskErrorRule: Sendable, Hashable {
    enum Action: Sendable, Hashable {
        case discard, fail
        case snooze(Duration)
        case retry(Duration)
    }

    private let type: ObjectIdentifier
    private let isOfType: @Sendable (any Error) -> Bool
    let action: Action

    private init<Failure: Error>(_ type: Failure.Type, _ action: Action) {
        self.type = ObjectIdentifier(type)
        isOfType = { $0 is Failure }
        self.action = action
    }

    /// The task ends as discarded, with the text of the error: see ``TaskError/discard(_:)``.
    public static func discard<Failure: Error>(_ type: Failure.Type) -> TaskErrorRule {
        TaskErrorRule(type, .discard)
    }

    /// The task fails for good, because another attempt would fail, too.
    public static func fail<Failure: Error>(_ type: Failure.Type) -> TaskErrorRule {
        TaskErrorRule(type, .fail)
    }

    /// Another attempt follows later, and this one does not count: see ``TaskError/snooze(for:)``.
    public static func snooze<Failure: Error>(_ type: Failure.Type, for delay: Duration) -> TaskErrorRule {
        TaskErrorRule(type, .snooze(delay))
    }

    /// The next attempt, if one is left, follows after this time instead of the policy's delay.
    public static func retry<Failure: Error>(_ type: Failure.Type, after delay: Duration) -> TaskErrorRule {
        TaskErrorRule(type, .retry(delay))
    }

    func applies(to error: any Error) -> Bool { isOfType(error) }

    public static func == (left: TaskErrorRule, right: TaskErrorRule) -> Bool {
        left.type == right.type && left.action == right.action
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(action)
    }
}

/// A durable task waits for a time, and its attempt ends. It does not count.
package struct TaskSleep: Error, CustomStringConvertible {
    package let delay: Duration
    package var description: String { "it sleeps" }

    package init(for delay: Duration) { self.delay = delay }
}

/// What is to follow an attempt that has thrown, as far as the error says.
enum TaskErrorMeaning: Sendable, Equatable {
    /// Another attempt, if one is left; after the delay, or the policy's if there is none.
    case retry(after: Duration?)
    case fail
    case discard(String)
    case snooze(for: Duration)
}

extension RetryPolicy {
    func meaning(of error: any Error) -> TaskErrorMeaning {
        switch error {
        case let error as TaskError:
            switch error {
            case .discard(let reason): return .discard(reason)
            case .snooze(let delay): return .snooze(for: delay)
            case .retry(let delay, _): return .retry(after: delay)
            }
        case let sleep as TaskSleep: return .snooze(for: sleep.delay)
        case is any PermanentTaskError: return .fail
        default: break
        }
        switch onError.first(where: { $0.applies(to: error) })?.action {
        case .discard: return .discard(LoggedError.text(error))
        case .fail: return .fail
        case .snooze(let delay): return .snooze(for: delay)
        case .retry(let delay): return .retry(after: delay)
        case nil: return .retry(after: nil)
        }
    }
}
