/// The error of a request to a broker, with the step after which the request may succeed.
package struct BrokerError: Error, Hashable, CustomStringConvertible {
    package enum Remedy: Sendable, Hashable {
        /// To try again later over a new connection: the broker is unreachable, busy or full, or the queue does not exist yet.
        case retry
        /// To change the URL, the rights or the broker's settings. The message itself is valid.
        case settings
        /// None: the broker will never accept this message.
        case message
    }

    /// The kind of the error. Later versions may add others.
    package enum Code: Sendable, Hashable {
        case address
        case connect
        case authentication
        case unsupported
        /// The message violates the contract (``ContractViolation``), and was not sent.
        case contract
        case unroutable
        case refused
        case timeout
        /// The connection ended, or was closed because of a protocol violation by the broker.
        case closed
        /// A delivery of another consumer, or one that was settled before.
        case delivery
        /// Any other error that the broker has answered.
        case answer
    }

    package let code: Code
    package let remedy: Remedy
    /// The broker's address, what happened, and what the user can do.
    package let description: String
    /// Whether the message may be in the queue, because it was sent and the broker did not answer. If it is sent again, it may
    /// be there twice.
    package let mayHaveArrived: Bool

    package var isWorthRetry: Bool { remedy == .retry }

    init(_ code: Code, _ remedy: Remedy, _ description: String, mayHaveArrived: Bool = false) {
        self.code = code
        self.remedy = remedy
        self.description = description
        self.mayHaveArrived = mayHaveArrived
    }

    init(_ violation: ContractViolation) {
        self.init(.contract, .message, violation.description)
    }

    /// The same error for a message that was already sent.
    var duringPublish: BrokerError {
        BrokerError(
            code, remedy, description + "; the message may or may not have arrived, and may be sent again",
            mayHaveArrived: true)
    }
}
