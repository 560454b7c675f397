import Glibc

/// The processor time that a synchronous body costs this thread. Unlike elapsed time, it is the same on a
/// busy machine. A body whose cost explodes is far above any bound.
func processorTime(of body: () throws -> Void) rethrows -> Duration {
    func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let start = now()
    try body()
    return now() - start
}
