internal import CPostludeLinux
import Glibc

/// An eventfd: a counter that a thread can wait for together with sockets.
package final class EventDescriptor: Sendable {
    package let descriptor: Int32

    /// - Parameter counting: each `take` takes one of the signals given; otherwise it takes all of them.
    package init(counting: Bool = false) throws(SystemError) {
        let flags = EFD_CLOEXEC | EFD_NONBLOCK | (counting ? EFD_SEMAPHORE : 0)
        descriptor = eventfd(0, Int32(flags))
        guard descriptor >= 0 else { throw SystemError("eventfd") }
    }

    deinit { close(descriptor) }

    package func signal() {
        // Fails only when the counter is full, and then it is signalled already.
        _ = eventfd_write(descriptor, 1)
    }

    /// - Returns: whether there was a signal to take.
    @discardableResult
    package func take() -> Bool {
        var value: eventfd_t = 0
        return eventfd_read(descriptor, &value) == 0
    }
}
