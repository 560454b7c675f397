internal import PostludeSystem
internal import Synchronization

/// Whether a request was given up: set by one thread, and seen by the handler's.
final class RequestCancellation: Sendable {
    private let isSet = Atomic<Bool>(false)
    private let cancelCode = Lock<(@Sendable () -> Void)?>(nil)

    var isCancelled: Bool { isSet.load(ordering: .acquiring) }

    /// The handler's async code has started, and can be cancelled like this.
    func setCancellation(_ cancel: @escaping @Sendable () -> Void) {
        cancelCode.withLock { $0 = cancel }
        // The request may have been given up before there was anything to cancel.
        if isCancelled { cancel() }
    }

    /// The handler may know; its async code is not cancelled yet.
    func mark() { isSet.store(true, ordering: .releasing) }

    /// Cancels the handler's async code, too, which may run code of the application on the calling thread.
    func cancel() {
        mark()
        let cancel = cancelCode.withLock { cancel in
            defer { cancel = nil }
            return cancel
        }
        cancel?()
    }
}
