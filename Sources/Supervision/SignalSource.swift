package import Linux

/// Where signals come from.
package struct SignalSource: Sendable {
    /// Readable when there is one.
    let descriptor: Int32
    let take: @Sendable () -> Int32?

    package init(_ signals: SignalDescriptor) {
        self.init(descriptor: signals.descriptor) { signals.take() }
    }

    init(descriptor: Int32, take: @escaping @Sendable () -> Int32?) {
        self.descriptor = descriptor
        self.take = take
    }
}
