public import Postlude

/// A task that survives the end of its process. It is written to the task store before the client gets the response, and is run
/// until it succeeds or its attempts are exhausted. It may run more than once.
///
/// ```swift
/// struct SendReceipt: DurableTask {
///     var order: Int
///     var address: String
///
///     func run(_ context: TaskContext) async throws {
///         try await mail.send(receipt(of: order), to: address, key: context.taskID)
///     }
/// }
///
/// func placeOrder(order: JSONBody<Order>, tasks: BackgroundTasks) throws -> Accepted<[String: Int]> {
///     try tasks.enqueue(Charge(order: order.id))
///     try tasks.enqueue(SendReceipt(order: order.id, address: order.email))
///     return Accepted(["id": order.id])
/// }
/// ```
///
/// The application names its kinds (``Postlude/TaskEngine/durable(_:)``), the manifest names the task store's file. After a
/// crash another process, or the next start, runs the unfinished tasks in their request's order. A task whose process dies is
/// run again from its beginning. It can detect work that it has already done by `TaskContext.taskID`, which stays the same.
///
/// Tasks are stored as JSON. A later version of the program must be able to decode the tasks that an earlier version has
/// written under the same ``name``. If it cannot, its type has a higher ``version``, and converts the older tasks by
/// ``upcast(_:from:)``: <doc:DeployingChangedTasks>.
public protocol DurableTask: Codable, Sendable {
    /// The result of ``run(_:)``. It is stored as JSON if it is `Encodable`.
    associatedtype Output: Sendable = Void

    /// The name of this kind in the task store; by default the type's name. A type that is renamed must keep it.
    static var name: String { get }

    /// How tasks of this kind run. The manifest's settings and the arguments of `enqueue` take precedence.
    static var policy: DurablePolicy { get }

    /// The version of the values that are stored, from 1; by default 1. It is stored with each task.
    static var version: Int { get }

    /// Converts the values of a task that was stored with a lower version.
    ///
    /// ```swift
    /// static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue {
    ///     guard case .object(var members) = old else { return old }
    ///     if version < 2 { members["address"] = members.removeValue(forKey: "to") }
    ///     return .object(members)
    /// }
    /// ```
    ///
    /// By default they stay as they are. It is called for each attempt of such a task, and by `check --tasks`.
    ///
    /// - Parameters:
    ///   - old: the stored values. A number that `Int` cannot hold is a `Double`.
    ///   - version: the version with which they were stored; 1 for a task that SQL has added.
    /// - Returns: the values for the current version.
    /// - Throws: an error if the task cannot be converted.
    static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue

    /// Runs one attempt, on the worker of its request, after the tasks that were added before it.
    ///
    /// - Throws: the error that makes the attempt fail. Further attempts follow as the policy allows; then the task is a dead
    ///   letter, which keeps the text of the last error.
    func run(_ context: TaskContext) async throws -> Output
}

extension DurableTask {
    public static var name: String { "\(Self.self)" }
    public static var policy: DurablePolicy { DurablePolicy() }
    public static var version: Int { 1 }
    public static func upcast(_ old: JSONValue, from version: Int) throws -> JSONValue { old }
}

/// Why a durable task could not be added.
public enum DurableTaskError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The application has no `taskEngine`.
    case noEngine(task: String)
    /// The application's `taskEngine` does not name the kind: no process could run it after a crash.
    case unknownKind(task: String, type: String)
    /// The application's `taskEngine` has no broker to which the task could be published.
    case noBroker(task: String, queue: String)
    /// The manifest has no `celery`, which names the broker's address.
    case noBrokerAddress(task: String, queue: String)
    /// `TaskContext.transaction` was called outside of a durable task, or again after it was committed.
    case noTransaction(task: String)
    /// `TaskContext.enqueue` was called outside of a durable task.
    case notInDurableTask(task: String, in: String)
    /// `TaskContext.enqueue` was called after the attempt had ended, or after its transaction was committed.
    case taskIsOver(task: String, in: String)
    /// More tasks than one transaction may add.
    case tooMany(task: String, limit: Int)
    /// The ``DurableTasks`` belong to no engine that has been started.
    case notConnected(task: String)
    /// The task does not have the member by which the kind's limit is divided, or its value is not text, a number or a boolean.
    case noLimitKey(task: String, member: String)

    public var description: String {
        switch self {
        case .noEngine(let task):
            "the durable task \(task) cannot be added: the application has no taskEngine"
        case .unknownKind(let task, let type):
            "the durable task \(task) cannot be added: the application's taskEngine does not name \(type)"
        case .noBroker(let task, let queue):
            """
            the task \(task) cannot be sent to the queue \(queue): the application's taskEngine has no broker; \
            make it by .durable(through: .celery)
            """
        case .noTransaction(let task):
            """
            the task \(task) cannot have a transaction: it is not a durable task that runs, or its transaction was committed, \
            which has ended it
            """
        case .noLimitKey(let task, let member):
            """
            the durable task \(task) cannot be added: its limit is per \(member), and the task as JSON has no text, number or \
            boolean of that name
            """
        case .notInDurableTask(let task, let name):
            """
            the durable task \(task) cannot be added in the commit of \(name), which is not a durable task of this process; use \
            its context's durableTasks
            """
        case .taskIsOver(let task, let name):
            "the durable task \(task) cannot be added by \(name), whose attempt has ended"
        case .tooMany(let task, let limit):
            "more than \(limit) durable tasks such as \(task) at once; add them by several calls"
        case .notConnected(let task):
            """
            the durable task \(task) cannot be added: this DurableTasks belongs to no application that has been started; pass it to \
            the application's taskEngine, .durable(tasks) { … }
            """
        case .noBrokerAddress(let task, let queue):
            """
            the task \(task) cannot be sent to the queue \(queue): the manifest has no `celery`; name the broker, such as \
            celery: { broker: amqp://localhost }
            """
        }
    }
}
