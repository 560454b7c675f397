internal import CLinux
import Glibc

/// An epoll instance; each registration carries a number of the caller's choice.
package final class Epoll: Sendable {
    /// What the kernel watches for, and how.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let input = Interest(rawValue: EPOLLIN.rawValue)
        /// Reported once, then silent until armed anew.
        package static let oneShot = Interest(rawValue: EPOLLONESHOT.rawValue)
        package static let edge = Interest(rawValue: EPOLLET.rawValue)
        /// Of several epoll instances that watch the same descriptor, wake one.
        package static let exclusive = Interest(rawValue: EPOLLEXCLUSIVE.rawValue)
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

    package func rearm(_ target: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data(u64: token))
        guard epoll_ctl(descriptor, EPOLL_CTL_MOD, target, &event) == 0 else {
            throw SystemError("epoll_ctl(MOD \(target))")
        }
    }

    package func remove(_ target: Int32) {
        // The descriptor may never have been added, or be gone: both leave it unwatched, as asked.
        _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, target, nil)
    }

    /// The token of one ready registration; nil after `milliseconds` (-1: no limit) or an interrupted wait.
    package func wait(milliseconds: Int32) -> UInt64? {
        var event = epoll_event()
        return epoll_wait(descriptor, &event, 1, milliseconds) == 1 ? event.data.u64 : nil
    }
}
