/// Why a broker has not done what it was asked, and whether to ask again.
package struct BrokerError: Error, Hashable, CustomStringConvertible {
    package enum Remedy: Sendable, Hashable {
        /// It may work later as it is, on a new connection: the broker is away, busy or full, or no queue is there yet.
        case retry
        /// Nothing gets through until the URL, the rights or the broker's settings are changed. The message stays
        /// good.
        case settings
        /// This message will never be taken.
        case message
    }

    /// What happened; a program may know more of them some day.
    package enum Code: Sendable, Hashable {
        case address
        case connect
        case authentication
        case unsupported
        /// The message breaks the contract; nothing was sent.
        case contract
        case unroutable
        case refused
        case timeout
        /// The connection ended, or was ended because the broker spoke nonsense.
        case closed
        /// A consumer's delivery that is not this consumer's.
        case delivery
        /// Any other answer that is an error.
        case answer
    }

    package let code: Code
    package let remedy: Remedy
    /// What happened, where, and what to do.
    package let description: String
    /// Whether the message may have reached the queue all the same: it was sent, and no answer came. Sent again, it is
    /// there twice.
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

    /// The same error, of a message that was already on its way.
    var duringPublish: BrokerError {
        BrokerError(
            code, remedy, description + "; the message may or may not have arrived, and may be sent again",
            mayHaveArrived: true)
    }
}
