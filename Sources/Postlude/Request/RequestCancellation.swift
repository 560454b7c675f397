internal import PostludeSystem
internal import Synchronization

/// The cancellation of a request, requested by one thread and observed by the handler's.
final class RequestCancellation: Sendable {
    private let isSet = Atomic<Bool>(false)
    private let cancelCode = Lock<(@Sendable () -> Void)?>(nil)

    var isCancelled: Bool { isSet.load(ordering: .acquiring) }

    /// Sets the function that cancels the handler's async code, which has started.
    func setCancellation(_ cancel: @escaping @Sendable () -> Void) {
        cancelCode.withLock { $0 = cancel }
        // The request may have been cancelled before its async code started.
        if isCancelled { cancel() }
    }

    /// Sets `isCancelled` without cancelling the handler's async code.
    func mark() { isSet.store(true, ordering: .releasing) }

    /// Cancels the request with the handler's async code. This may run code of the application on the calling thread.
    func cancel() {
        mark()
        let cancel = cancelCode.withLock { cancel in
            defer { cancel = nil }
            return cancel
        }
        cancel?()
    }
}
