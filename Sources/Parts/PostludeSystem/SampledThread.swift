internal import CPostludeLinux
import Glibc
import Synchronization

/// A thread whose stack another thread can sample while it runs the application's code.
///
/// The sampling thread asks by a signal. It may arrive only between `enter` and `leave`, since EINTR would cut a write
/// of libfcgi short: sockets with SO_SNDTIMEO ignore SA_RESTART. So the sampling thread first prevents the other one
/// from leaving: `leave` waits until that is over. A signal that is still pending then is delivered at the latest when
/// `leave` yields, which is before any write; so a late answer does no harm.
package final class SampledThread: Sendable {
    /// A sampled stack.
    package enum Stack: Sendable, Equatable {
        /// The addresses, innermost first.
        case frames([UInt])
        /// The async code is suspended, and has no stack on this thread.
        case suspended
        /// The thread is not in the application's code, or does not answer.
        case unknown
    }

    private enum Phase {
        static let outside = 0
        static let inside = 1
        static let asked = 2
    }

    /// The signal; 0 if none is available.
    private static let signal: Int32 = max(0, clinux_install_stack_signal())
    /// Held while a thread is sampled, so that only one is sampled at a time.
    private static let turn = Lock(())

    private let thread: pid_t
    /// Whether there is a signal, and the thread does not block it.
    private let isReachable: Bool
    private let phase = Atomic<Int>(Phase.outside)
    private let isSuspended: @Sendable () -> Bool

    /// Must be called on the thread itself.
    ///
    /// - Parameter isSuspended: returns whether the thread waits for the next job of async code.
    package init(isSuspended: @escaping @Sendable () -> Bool = { false }) {
        thread = clinux_thread_id()
        self.isSuspended = isSuspended
        isReachable = Self.signal > 0 && clinux_unblock(Self.signal) == 0
    }

    /// Marks the beginning of the application's code. Called by the thread itself.
    package func enter() { phase.store(Phase.inside, ordering: .sequentiallyConsistent) }

    /// Marks the end of the application's code. Called by the thread itself.
    package func leave() {
        while !move(from: Phase.inside, to: Phase.outside) { sched_yield() }
    }

    /// Samples the stack, and waits for it. Must not be called by the thread itself.
    ///
    /// - Parameters:
    ///   - milliseconds: about how long to wait for the answer.
    ///   - isWanted: called when the thread cannot leave; returns whether it is still doing what the caller expects.
    package func stack(within milliseconds: Int32 = 100, where isWanted: () -> Bool = { true }) -> Stack {
        guard isReachable, move(from: Phase.inside, to: Phase.asked) else { return .unknown }
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
