public import Glibc

/// A value that only one thread at a time can access.
///
/// Not Synchronization's `Mutex`, for two reasons that were measured: with fewer cores than threads, its spinning took
/// a fifth of a busy server's time, and the thread sanitizer does not see it.
///
/// Public, although no product exports it: only public code can be inlined into other modules, and a generic call
/// across modules looks up types in the runtime's tables each time.
// Unchecked: the value is accessed only in `withLock`, which holds the lock.
public struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    @inlinable
    public init(_ initial: consuming sending Value) {
        // One allocation for both: the thread that locks needs the value next.
        let alignment = max(MemoryLayout<pthread_mutex_t>.alignment, MemoryLayout<Value>.alignment)
        let offset = (MemoryLayout<pthread_mutex_t>.size + alignment - 1) / alignment * alignment
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: offset + MemoryLayout<Value>.size, alignment: alignment)
        mutex = memory.bindMemory(to: pthread_mutex_t.self, capacity: 1)
        pthread_mutex_init(mutex, nil)
        value = (memory + offset).bindMemory(to: Value.self, capacity: 1)
        value.initialize(to: initial)
    }

    @inlinable
    deinit {
        value.deinitialize(count: 1)
        pthread_mutex_destroy(mutex)
        UnsafeMutableRawPointer(mutex).deallocate()
    }

    /// Calls `body` with the value. `body` must be short, and must not lock again.
    @inlinable
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }
}

/// A value that only one thread at a time can access, and whose changes threads can wait for.
///
/// Synchronization's `Mutex` has no condition to wait for. Public for the same reason as ``Lock``.
// Unchecked: the value is accessed only in `withLock` and `wait`, which hold the lock.
public struct ConditionLock<Value>: ~Copyable, @unchecked Sendable {
    /// What `wait` does after a call of its closure.
    public enum Step<Result> {
        case stop(Result)
        /// Calls the closure again after the next signal, or at this time at the latest; nil for no limit.
        case wait(until: MonotonicTime?)
    }

    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let condition: UnsafeMutablePointer<pthread_cond_t>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    @inlinable
    public init(_ initial: consuming sending Value) {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        value = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        value.initialize(to: initial)
    }

    @inlinable
    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Calls `body` with the value. `body` must be short, and must not lock again.
    @inlinable
    public borrowing func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value.pointee)
    }

    /// Calls `body` with the value, and again after each signal, until it returns `stop`.
    ///
    /// Each call accesses the value anew; other threads may change it in between.
    @inlinable
    public borrowing func wait<Result>(_ body: (inout Value) -> Step<Result>) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            switch body(&value.pointee) {
            case .stop(let result): return result
            case .wait(nil): pthread_cond_wait(condition, mutex)
            case .wait(let time?):
                var limit = timespec(
                    tv_sec: Int(time.nanoseconds / 1_000_000_000),
                    tv_nsec: Int(time.nanoseconds % 1_000_000_000))
                pthread_cond_timedwait(condition, mutex, &limit)
            }
        }
    }

    /// Wakes one waiting thread. May be called with the lock held.
    @inlinable public borrowing func signal() { pthread_cond_signal(condition) }

    /// Wakes every waiting thread. May be called with the lock held.
    @inlinable public borrowing func broadcast() { pthread_cond_broadcast(condition) }
}
