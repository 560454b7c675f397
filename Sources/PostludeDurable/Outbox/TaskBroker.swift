package import ArgumentParser
package import FoundationEssentials
package import Postlude
package import PostludeManifest
package import PostludeTaskStore

/// What brings tasks to workers elsewhere: `TaskBroker.celery` of the module PostludeCelery.
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

/// What durable tasks ask a broker's module for.
package protocol TaskBrokerParts: Sendable {
    /// - Returns: why no queue can be called that; nil if one can.
    func problem(ofQueue name: String) -> String?

    /// - Returns: what is wrong with the manifest's settings of it, without connecting to it; nothing where it has none.
    func mistakes(in manifest: Manifest) -> [Diagnostic]

    /// Checks what is to be kept for a queue, where it is not known which broker will get it.
    ///
    /// - Throws: why no worker would take it.
    func check(_ task: OutgoingTask, for queue: String) throws

    /// Reads the manifest's settings; connects to nothing.
    ///
    /// - Returns: nil if it has none: then nothing leaves.
    func open(_ manifest: Manifest) throws -> (any OpenTaskBroker)?

    /// - Returns: what the application's executable can do with it.
    func commands<App: Application>(for application: App.Type) -> [any ParsableCommand.Type]
}

/// A broker of which the address is known. Any thread may ask it.
package protocol OpenTaskBroker: Sendable {
    /// Its address without passwords, for the log.
    var name: String { get }

    /// - Throws: why it would not take this one.
    func check(_ task: OutgoingTask, for queue: String) throws

    /// A connection that the calling thread uses.
    func connect() throws(TaskBrokerError) -> any TaskBrokerConnection

    /// What became of a task that has left: asked at once, over a connection of its own.
    ///
    /// - Returns: nil if results are not kept, or there is none yet, or none any more.
    func result(of id: String) throws -> TaskBrokerResult?
}

/// A connection over which records leave, used by one thread.
package protocol TaskBrokerConnection: AnyObject {
    /// Whether an error has ended it.
    var isClosed: Bool { get }

    /// Returns when the broker has the task.
    func publish(_ task: OutgoingTask, to queue: String) throws(TaskBrokerError)

    /// Called every few seconds while nothing leaves.
    func keepAlive() throws(TaskBrokerError)

    func close()
}

/// The reason why a broker has not accepted a task.
package struct TaskBrokerError: Error, CustomStringConvertible {
    /// The step after which the broker may accept tasks.
    package enum Remedy: Sendable, Hashable {
        /// It may take it later.
        case retry
        /// It takes nothing until its address, its rights or its settings are changed.
        case settings
        /// It will never take this one.
        case message
    }

    package let remedy: Remedy
    /// Without passwords.
    package let description: String

    package init(_ remedy: Remedy, _ description: String) {
        self.remedy = remedy
        self.description = description
    }
}

/// A task on its way to a queue.
package struct OutgoingTask: Sendable {
    package var id: String
    package var name: String
    /// The id of the request that has added it.
    package var request: String
    /// JSON: an object for a durable task; whatever the broker's module has made, if it is not an object, for its own.
    package var payload: Data
    /// It is not to begin before.
    package var notBefore: Date?
    /// It is not to begin after.
    package var expires: Date?
    package var priority: RecordPriority

    /// What is to be kept.
    package init(_ record: NewRecord, of request: String) {
        id = record.id?.text ?? ""
        name = record.name
        self.request = request
        payload = record.payload
        notBefore = record.notBefore
        expires = record.expires
        priority = record.priority
    }

    /// What was kept.
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

/// What became of a task elsewhere.
package struct TaskBrokerResult: Sendable, Hashable {
    package enum State: Sendable, Hashable {
        case running
        case done
        case failed
        /// It has expired, or was revoked.
        case dropped
    }

    package var state: State
    /// JSON.
    package var result: Data?
    /// The last error's text.
    package var error: String?

    package init(_ state: State, result: Data? = nil, error: String? = nil) {
        self.state = state
        self.result = result
        self.error = error
    }
}
