package import ArgumentParser
package import FoundationEssentials
package import Postlude
package import PostludeManifest
package import PostludeTaskStore

/// A broker that delivers tasks to workers outside of this server: `TaskBroker.celery` of the module PostludeCelery.
///
/// ```swift
/// var taskEngine: TaskEngine? {
///     .durable(through: .celery) {
///         Charge.self
///     }
/// }
/// ```
public struct TaskBroker: Sendable {
    package let parts: any TaskBrokerParts

    package init(_ parts: any TaskBrokerParts) { self.parts = parts }
}

/// The interface of a broker's module to durable tasks.
package protocol TaskBrokerParts: Sendable {
    /// - Returns: the reason why a queue cannot have this name; nil if it can.
    func problem(ofQueue name: String) -> String?

    /// - Returns: the mistakes in the manifest's settings of the broker, found without connecting to it; none if there are no
    ///   settings.
    func mistakes(in manifest: Manifest) -> [Diagnostic]

    /// Checks a task that is to be stored for a queue, without knowing which broker will get it.
    ///
    /// - Throws: an error if no worker would accept it.
    func check(_ task: OutgoingTask, for queue: String) throws

    /// Reads the manifest's settings, without connecting.
    ///
    /// - Returns: nil if there are none; then no task is published.
    func open(_ manifest: Manifest) throws -> (any OpenTaskBroker)?

    /// - Returns: the commands that the broker's module adds to the application's executable.
    func commands<App: Application>(for application: App.Type) -> [any ParsableCommand.Type]
}

/// A broker with a known address. Its methods may be called on any thread.
package protocol OpenTaskBroker: Sendable {
    /// The broker's address without passwords, for the log.
    var name: String { get }

    /// - Throws: an error if the broker would not accept this task.
    func check(_ task: OutgoingTask, for queue: String) throws

    /// Opens a connection for the calling thread.
    func connect() throws(TaskBrokerError) -> any TaskBrokerConnection

    /// Queries the result of a published task, over a connection of its own.
    ///
    /// - Returns: nil if results are not kept, or if there is no result yet, or not any more.
    func result(of id: String) throws -> TaskBrokerResult?
}

/// A connection that publishes tasks, used by one thread.
package protocol TaskBrokerConnection: AnyObject {
    /// Whether an error has closed the connection.
    var isClosed: Bool { get }

    /// Publishes a task, and returns when the broker has confirmed it.
    func publish(_ task: OutgoingTask, to queue: String) throws(TaskBrokerError)

    /// Keeps an idle connection open. Called every few seconds while no task is published.
    func keepAlive() throws(TaskBrokerError)

    func close()
}

/// The reason why a broker has not accepted a task.
package struct TaskBrokerError: Error, CustomStringConvertible {
    /// The step after which the broker may accept tasks.
    package enum Remedy: Sendable, Hashable {
        /// A later attempt, which may succeed.
        case retry
        /// A change of the address, the permissions or the settings. Until then the broker accepts nothing.
        case settings
        /// None: the broker will never accept this task.
        case message
    }

    package let remedy: Remedy
    /// The text of the error, without passwords.
    package let description: String

    package init(_ remedy: Remedy, _ description: String) {
        self.remedy = remedy
        self.description = description
    }
}

/// A task to be published to a queue.
package struct OutgoingTask: Sendable {
    package var id: String
    package var name: String
    /// The id of the request that has added the task.
    package var request: String
    /// The payload as JSON: an object for a durable task, any other value for a task that the broker's module has made.
    package var payload: Data
    /// The earliest time at which the task may begin.
    package var notBefore: Date?
    /// The time after which the task must not begin.
    package var expires: Date?
    package var priority: RecordPriority

    /// Makes the outgoing task of a record that is still to be stored.
    package init(_ record: NewRecord, of request: String) {
        id = record.id?.text ?? ""
        name = record.name
        self.request = request
        payload = record.payload
        notBefore = record.notBefore
        expires = record.expires
        priority = record.priority
    }

    /// Makes the outgoing task of a stored record.
    init(_ record: Record, at now: Date) {
        id = record.id.text
        name = record.name
        request = record.request
        payload = record.payload
        notBefore = record.due > now ? record.due : nil
        expires = record.expires
        priority = record.priority
    }
}

/// The result of a task at a broker's worker.
package struct TaskBrokerResult: Sendable, Hashable {
    package enum State: Sendable, Hashable {
        case running
        case done
        case failed
        /// It has expired, or was revoked.
        case dropped
    }

    package var state: State
    /// The returned value as JSON.
    package var result: Data?
    /// The last error's text.
    package var error: String?

    package init(_ state: State, result: Data? = nil, error: String? = nil) {
        self.state = state
        self.result = result
        self.error = error
    }
}
