internal import CPostludeLinux
import Glibc

/// An epoll instance; each registration carries a number of the caller's choice.
package final class Epoll: Sendable {
    /// The events that the kernel watches for, and how.
    package struct Interest: RawRepresentable, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let input = Interest(rawValue: EPOLLIN.rawValue)
        /// Reported once for each arrival, not as long as there is something to read; also reports the peer's end.
        package static let inputEdge = Interest(
            rawValue: EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue)
        /// The same, and reported when the peer takes more again.
        package static let inputOutputEdge = Interest(rawValue: inputEdge.rawValue | EPOLLOUT.rawValue)
        /// The same as `inputEdge` for a listener; of several processes that watch it, the kernel wakes one.
        package static let acceptEdge = Interest(
            rawValue: EPOLLIN.rawValue | EPOLLET.rawValue | EPOLLEXCLUSIVE.rawValue)
    }

    package let descriptor: Int32

    package init() throws(SystemError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("epoll_create1") }
    }

    deinit { close(descriptor) }

    package func add(_ target: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data(u64: token))
        guard epoll_ctl(descriptor, EPOLL_CTL_ADD, target, &event) == 0 else {
            throw SystemError("epoll_ctl(ADD \(target))")
        }
    }

    /// Changes what the kernel watches for. What has happened already is reported again.
    package func modify(_ target: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data(u64: token))
        guard epoll_ctl(descriptor, EPOLL_CTL_MOD, target, &event) == 0 else {
            throw SystemError("epoll_ctl(MOD \(target))")
        }
    }

    package func remove(_ target: Int32) {
        // The descriptor may never have been added, or be closed: in both cases it is not watched.
        _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, target, nil)
    }

    /// An event that the kernel reports.
    package struct Event {
        package let token: UInt64
        /// Whether the peer has closed the connection or its side of it: the end follows what can be read.
        package let isHangUp: Bool
    }

    /// Waits for one event; nil after `milliseconds` (-1: no limit) or an interrupted wait.
    package func wait(milliseconds: Int32) -> Event? {
        var event = epoll_event()
        guard epoll_wait(descriptor, &event, 1, milliseconds) == 1 else { return nil }
        let hangUp = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
        return Event(token: event.data.u64, isHangUp: event.events & hangUp != 0)
    }
}

/// An eventfd: a counter that a thread can wait for together with sockets.
package final class EventDescriptor: Sendable {
    package let descriptor: Int32

    /// - Parameter counting: whether each `take` takes one signal; otherwise it takes all of them.
    package init(counting: Bool = false) throws(SystemError) {
        let flags = EFD_CLOEXEC | EFD_NONBLOCK | (counting ? EFD_SEMAPHORE : 0)
        descriptor = eventfd(0, Int32(flags))
        guard descriptor >= 0 else { throw SystemError("eventfd") }
    }

    deinit { close(descriptor) }

    package func signal() {
        // Fails only if the counter is full; then it is signalled already.
        _ = eventfd_write(descriptor, 1)
    }

    /// Takes a signal, without blocking.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    package func take() -> Bool {
        var value: eventfd_t = 0
        return eventfd_read(descriptor, &value) == 0
    }
}
