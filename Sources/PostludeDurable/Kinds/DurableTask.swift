public import Postlude

/// A task that survives the end of its process: its values are in the task store before the client is answered, and it runs
/// until it has succeeded, at least once.
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
/// The application names its kinds (``Postlude/TaskEngine/durable(_:)``), and the manifest the task store's file. After a crash
/// another process, or the next start, runs what was not finished, in the request's order. What a task has done when its
/// process dies it does again: it should be able to see that by `TaskContext.taskID`, which stays the same.
///
/// The values stand in the task store as JSON. A later version of the program must be able to decode what an earlier one has
/// written, under the same ``name``.
public protocol DurableTask: Codable, Sendable {
    /// What ``run(_:)`` returns. It is kept as JSON where it is `Encodable`.
    associatedtype Output: Sendable = Void

    /// What the task store calls the tasks of this kind; by default the type's name. A type that is renamed keeps it.
    static var name: String { get }

    /// How tasks of this kind run, unless their adding says otherwise.
    static var policy: DurablePolicy { get }

    /// One attempt, on the worker of its request, after the tasks that were added before.
    ///
    /// - Throws: what makes the attempt fail; another one follows as the policy says, and then the task is a dead letter,
    ///   which keeps the last error's text.
    func run(_ context: TaskContext) async throws -> Output
}

extension DurableTask {
    public static var name: String { "\(Self.self)" }
    public static var policy: DurablePolicy { DurablePolicy() }
}

/// Why a durable task could not be added.
public enum DurableTaskError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The application has no `taskEngine`.
    case noEngine(task: String)
    /// The application's `taskEngine` does not name the kind: no process could run it after a crash.
    case unknownKind(task: String, type: String)
    /// The application's `taskEngine` has no broker that could bring the task to its queue.
    case noBroker(task: String, queue: String)
    /// The manifest has no `celery`, which says where the broker is.
    case noBrokerAddress(task: String, queue: String)

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
        case .noBrokerAddress(let task, let queue):
            """
            the task \(task) cannot be sent to the queue \(queue): the manifest has no `celery`; name the broker, such as \
            celery: { broker: amqp://localhost }
            """
        }
    }
}
