/// A broker with a known address, which opens connections.
///
/// Connections block, and are used by one thread at a time. So their classes are not `Sendable`, and each thread opens its
/// own. A connection is never repaired: if an error has closed it, the caller discards it and opens another one when it
/// wants to.
package protocol CeleryBroker: Sendable {
    var address: BrokerAddress { get }

    /// Opens a connection that publishes.
    func publisher() throws(BrokerError) -> any CeleryPublisher

    /// Opens a connection that consumes a queue.
    ///
    /// - Parameter prefetch: the largest number of unacknowledged messages.
    func consumer(of queue: String, prefetch: Int) throws(BrokerError) -> any CeleryConsumer
}

/// A connection that publishes tasks.
package protocol CeleryPublisher: AnyObject {
    /// Whether the connection is closed, by the caller or because of an error.
    var isClosed: Bool { get }

    /// Sends a message to a queue, and returns when the broker has accepted it.
    ///
    /// The message is checked in its final form before it is sent.
    ///
    /// - Throws: an error with its remedy. If its `mayHaveArrived` is true, it is unknown whether the broker has the message.
    func publish(_ message: CeleryMessage, to queue: String) throws(BrokerError)

    /// Keeps the connection alive. The caller calls it every few seconds while it publishes nothing.
    func keepAlive() throws(BrokerError)

    func close()
}

/// A connection that consumes a queue and delivers each task at least once.
///
/// Unacknowledged messages are delivered again after the connection is closed or its process has died.
package protocol CeleryConsumer: AnyObject {
    var isClosed: Bool { get }

    /// Whether the queue gets tasks that Celery's producers delay at the broker.
    var delayedDelivery: DelayedDelivery { get }

    /// Returns the next message; `nil` if none has arrived.
    ///
    /// It also keeps the connection alive. So the caller calls it every few seconds, even after it has received as many
    /// messages as the prefetch allows.
    ///
    /// - Parameters:
    ///   - time: the longest time to wait for a message.
    ///   - descriptor: ends the wait when it is readable, such as an eventfd with which a worker reports the end of a task.
    func receive(within time: Duration, orReadable descriptor: Int32?) throws(BrokerError) -> Received?

    /// Removes the message of a finished task from the broker.
    ///
    /// - Returns: `false` if another consumer has the message now, because this one was considered dead.
    ///   ``reject(_:reason:)`` and ``requeue(_:)`` return the same.
    @discardableResult
    func acknowledge(_ delivery: Delivery.ID) throws(BrokerError) -> Bool

    /// Rejects a message, which then goes to the broker's dead letters.
    @discardableResult
    func reject(_ delivery: Delivery.ID, reason: String) throws(BrokerError) -> Bool

    /// Returns a message to its queue, for the next consumer, which may be this one.
    @discardableResult
    func requeue(_ delivery: Delivery.ID) throws(BrokerError) -> Bool

    /// Stops the delivery of messages. Messages on their way still arrive, and delivered ones must still be settled.
    func stopTaking() throws(BrokerError)

    /// The place of rejected messages, for the log.
    var deadLetters: String { get }

    /// Closes the connection. Unacknowledged messages return to the queue.
    func close()
}

/// The state of Celery's delayed delivery for a queue.
package enum DelayedDelivery: Sendable, Hashable {
    /// The queue does not use it.
    case unused
    /// The queue gets delayed tasks.
    case bound
    /// The broker has refused to bind the queue, for this reason: tasks with a countdown may not arrive.
    case refused(String)
}

/// A message that a consumer has received.
package enum Received: Sendable {
    case task(Delivery)
    /// A message that is not a valid task. The consumer's caller stores failures for the awaited ids, and then rejects it.
    case refused(Refused)
    /// A message that is larger than ``ContractBounds/envelope``, with its size in bytes. The consumer has already moved it
    /// to the dead letters, so that the caller does not settle it.
    case setAside(size: Int)

    package struct Refused: Sendable {
        package let delivery: Delivery.ID
        /// The id in the message's headers.
        package let id: String?
        package let task: String?
        package let reason: String
        /// The ids of tasks whose results callers may wait for.
        package let awaited: [String]

        init(_ refusal: IncomingTask.Refusal, as delivery: Delivery.ID) {
            self.delivery = delivery
            (id, task, reason, awaited) = (refusal.id, refusal.task, refusal.reason, refusal.awaited)
        }
    }
}

/// A task as the broker delivers it.
package struct Delivery: Sendable {
    /// Identifies a delivery to its consumer.
    package struct ID: Sendable, Hashable {
        let consumer: UInt64
        let number: UInt64
    }

    package let id: ID
    package let task: IncomingTask
    /// Whether the message was delivered before, so that a consumer may have begun the task.
    package let isRedelivered: Bool
    /// The number of earlier deliveries; `nil` if the broker does not count them. Only RabbitMQ's quorum queues do.
    package let earlierDeliveries: Int?
}
