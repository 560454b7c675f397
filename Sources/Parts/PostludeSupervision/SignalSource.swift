package import PostludeSystem

/// Where signals come from.
package struct SignalSource: Sendable {
    /// Readable when there is one.
    let descriptor: Int32
    let take: @Sendable () -> Int32?
    /// What a program needs that replaces this one.
    let inheritance: (variable: String, value: String, descriptors: [Int32])?

    package init(_ signals: SignalDescriptor) {
        self.init(descriptor: signals.descriptor, inheritance: signals.inheritance) { signals.take() }
    }

    init(
        descriptor: Int32, inheritance: (variable: String, value: String, descriptors: [Int32])? = nil,
        take: @escaping @Sendable () -> Int32?
    ) {
        self.inheritance = inheritance
        self.descriptor = descriptor
        self.take = take
    }
}
