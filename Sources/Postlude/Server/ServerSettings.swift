internal import PostludeManifest
internal import PostludeSystem

/// The manifest's settings in the form in which the threads use them.
struct ServerSettings: Sendable {
    let limits: Manifest.Limits
    let overload: Manifest.Overload
    let shutdownGrace: Duration
    let idleMilliseconds: Int32
    /// The interval of the control thread's checks: a quarter of the shortest time limit, within 10 to 1,000
    /// milliseconds.
    let tickMilliseconds: Int32

    init(_ manifest: Manifest) {
        limits = manifest.limits
        overload = manifest.overload
        shutdownGrace = manifest.shutdownGrace
        idleMilliseconds = manifest.workers.idleTime.clampedMilliseconds
        let times =
            [limits.headTime, limits.readTime, limits.writeTime, manifest.shutdownGrace]
            + manifest.routes.flatMap { route in
                let (limits, tasks) = (route.limits, route.tasks)
                let optional = [
                    limits.requestTimeout, limits.slowTime, limits.killTime, tasks.deadline, tasks.killTime,
                ]
                return [tasks.warn] + optional.compactMap { $0 }
            }
        let shortest = times.min() ?? .seconds(4)
        tickMilliseconds = min(1000, max(10, shortest.clampedMilliseconds / 4))
    }
}

extension Duration {
    fileprivate var clampedMilliseconds: Int32 { Int32(clamping: saturatedNanoseconds / 1_000_000) }
}
