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
