internal import CPostludeLinux
import Glibc
import Synchronization

/// A thread whose stack another one can ask for while it runs the application's code.
///
/// The question is a signal to that thread. It may come only between `enter` and `leave`, since EINTR would cut a write
/// of libfcgi short: sockets with SO_SNDTIMEO ignore SA_RESTART. The other side closes that window before it sends, and
/// `leave` waits until it is open again. A signal that is still pending then is delivered at the latest when `leave`
/// yields, which is before any write; so it does not matter how late the thread answers.
package final class SampledThread: Sendable {
    /// What was seen.
    package enum Stack: Sendable, Equatable {
        /// The addresses, the innermost one first.
        case frames([UInt])
        /// Async code waits for something: the thread has no stack of its.
        case suspended
        /// The thread is not in the application's code, or does not answer.
        case unknown
    }

    private enum Phase {
        static let outside = 0
        static let inside = 1
        static let asked = 2
    }

    /// 0 where no signal is to be had.
    private static let signal: Int32 = max(0, clinux_install_stack_signal())
    /// One thread is asked at a time.
    private static let turn = Lock(())

    private let thread: pid_t
    private let phase = Atomic<Int>(Phase.outside)
    private let isSuspended: @Sendable () -> Bool

    /// Called on the thread itself.
    ///
    /// - Parameter isSuspended: whether the thread waits for async code's next job.
    package init(isSuspended: @escaping @Sendable () -> Bool = { false }) {
        thread = clinux_thread_id()
        self.isSuspended = isSuspended
        if Self.signal > 0 { _ = clinux_unblock(Self.signal) }
    }

    /// The application's code begins. Called by the thread itself.
    package func enter() { phase.store(Phase.inside, ordering: .sequentiallyConsistent) }

    /// The application's code has ended. Called by the thread itself.
    package func leave() {
        while !move(from: Phase.inside, to: Phase.outside) { sched_yield() }
    }

    /// Asks for the stack, and waits for it. Not to be called by the thread itself.
    ///
    /// - Parameters:
    ///   - isWanted: asked when the thread cannot leave any more: whether it still is where the caller thinks.
    ///   - milliseconds: how long to wait for the answer, about.
    package func stack(within milliseconds: Int32 = 100, where isWanted: () -> Bool = { true }) -> Stack {
        guard Self.signal > 0, move(from: Phase.inside, to: Phase.asked) else { return .unknown }
        defer { phase.store(Phase.inside, ordering: .sequentiallyConsistent) }
        guard isWanted() else { return .unknown }
        if isSuspended() { return .suspended }
        let frames = Self.turn.withLock { _ in
            [UInt](unsafeUninitializedCapacity: 96) { buffer, count in
                guard let start = buffer.baseAddress else { return }
                let taken = clinux_stack(Self.signal, thread, start, Int32(buffer.count), milliseconds)
                count = min(buffer.count, max(0, Int(taken)))
            }
        }
        return frames.isEmpty ? .unknown : .frames(frames)
    }

    private func move(from old: Int, to new: Int) -> Bool {
        phase.compareExchange(expected: old, desired: new, ordering: .sequentiallyConsistent).exchanged
    }
}
