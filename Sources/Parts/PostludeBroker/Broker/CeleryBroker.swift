/// A broker's place. A value: what it opens belongs to the thread that uses it.
///
/// Each connection blocks, and is used by one thread at a time: their classes are not Sendable, and a thread opens its
/// own. A connection is never mended: after an error that says so, it is thrown away and another one opened, when and
/// how often the caller wants.
package protocol CeleryBroker: Sendable {
    var address: BrokerAddress { get }

    /// A connection that publishes.
    func publisher() throws(BrokerError) -> any CeleryPublisher

    /// A connection that takes a queue's messages.
    ///
    /// - Parameter prefetch: how many may be unacknowledged at a time.
    func consumer(of queue: String, prefetch: Int) throws(BrokerError) -> any CeleryConsumer
}

/// A connection over which tasks leave.
package protocol CeleryPublisher: AnyObject {
    /// Whether an error has ended it.
    var isClosed: Bool { get }

    /// Sends a message to a queue, and returns when the broker has it.
    ///
    /// It is checked in the form in which it leaves, before it leaves.
    ///
    /// - Throws: what happened, and whether it is worth a retry. With `mayHaveArrived` it is not known whether the broker
    ///   has it.
    func publish(_ message: CeleryMessage, to queue: String) throws(BrokerError)

    /// Tells the broker that we live; called every few seconds while nothing is published.
    func keepAlive() throws(BrokerError)

    func close()
}

/// A connection over which tasks come, at least once each.
///
/// What it has delivered and was not acknowledged comes again when it closes, and when its process dies.
package protocol CeleryConsumer: AnyObject {
    var isClosed: Bool { get }

    /// Whether tasks that Celery's producers delay at the broker come to the queue.
    var delayedDelivery: DelayedDelivery { get }

    /// The next message.
    ///
    /// It also keeps the connection alive: to be called every few seconds, also while all that may be taken is taken.
    ///
    /// - Parameters:
    ///   - time: how long to wait for one.
    ///   - descriptor: ends the wait when it can be read, such as an eventfd by which a worker says that it is done.
    /// - Returns: nil when none has come.
    func receive(within time: Duration, orReadable descriptor: Int32?) throws(BrokerError) -> Received?

    /// The task is done; its message goes.
    ///
    /// - Returns: false when another consumer has it meanwhile, because this one was taken for dead.
    @discardableResult
    func acknowledge(_ delivery: Delivery.ID) throws(BrokerError) -> Bool

    /// The task is not ours to do: the message goes to where the broker keeps dead letters.
    @discardableResult
    func reject(_ delivery: Delivery.ID, reason: String) throws(BrokerError) -> Bool

    /// The message goes back to its queue, for the next consumer, which may be this one.
    @discardableResult
    func requeue(_ delivery: Delivery.ID) throws(BrokerError) -> Bool

    /// Has the broker send no more. What was on its way still comes, and what was given stays to be settled.
    func stopTaking() throws(BrokerError)

    /// Where rejected messages are, for the log.
    var deadLetters: String { get }

    /// Gives back what is not acknowledged.
    func close()
}

/// What a consumer has found of Celery's delayed delivery.
package enum DelayedDelivery: Sendable, Hashable {
    /// There is none for this queue.
    case unused
    /// What was delayed comes to the queue.
    case bound
    /// The broker does not let it be bound: tasks with a countdown may not arrive.
    case refused(String)
}

/// A message that a consumer has received.
package enum Received: Sendable {
    case task(Delivery)
    /// A message that is not a task. It is rejected after the callers that wait for it were told.
    case refused(Refused)

    package struct Refused: Sendable {
        package let delivery: Delivery.ID
        /// What it says for itself.
        package let id: String?
        package let task: String?
        package let reason: String
        /// The ids whose results callers may wait for.
        package let awaited: [String]

        init(_ refusal: IncomingTask.Refusal, as delivery: Delivery.ID) {
            self.delivery = delivery
            (id, task, reason, awaited) = (refusal.id, refusal.task, refusal.reason, refusal.awaited)
        }
    }
}

/// A task as the broker delivers it.
package struct Delivery: Sendable {
    /// Names it towards its consumer.
    package struct ID: Sendable, Hashable {
        let consumer: UInt64
        let number: UInt64
    }

    package let id: ID
    package let task: IncomingTask
    /// A consumer may have begun it before.
    package let isRedelivered: Bool
    /// How often it was delivered before; nil if the broker does not count, as only RabbitMQ's quorum queues
    /// do.
    package let earlierDeliveries: Int?
}
