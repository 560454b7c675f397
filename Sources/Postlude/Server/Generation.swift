internal import Logging
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeSystem
internal import PostludeThreads

/// One version of the manifest, with the router and responder made of it. A request keeps the generation with which it
/// began.
final class Generation: Sendable {
    /// 1 for the manifest with which the supervisor started; incremented by each reload.
    let number: Int
    let manifest: Manifest
    let settings: ServerSettings
    let router: Router
    let responder: Responder
    let files: FileLocation?
    let logger: Logger
    /// The matcher for callers that have none of their own; nil if PCRE2 had no memory for it.
    private let matcher: Lock<RouteMatcher?>

    init(
        _ manifest: Manifest, number: Int, handlers: [String: Handler], hooks: ApplicationHooks,
        registry: TaskRegistry, logger: Logger, observability: Observability
    ) throws {
        self.number = number
        self.manifest = manifest
        self.logger = logger
        settings = ServerSettings(manifest)
        files = manifest.files.map { FileLocation(root: $0.root, internal: $0.internal) }
        router = try Router(manifest: manifest, handlers: handlers, hooks: hooks, logger: logger)
        matcher = Lock(try? RouteMatcher())
        responder = Responder(
            router: router, hooks: hooks, registry: registry, logger: logger, observability: observability)
    }

    /// Returns the route of a request that is answered without a worker; nil if no route matches.
    func route(of head: RequestHead) -> Router.Route? {
        matcher.withLock { matcher in matcher.flatMap { router.resolve(head, using: $0).route } }
    }

    var gateLimits: GateLimits {
        GateLimits(head: settings.limits.head, concurrentRequests: manifest.workers.maximum)
    }

    var connectionTimes: ConnectionTimes {
        let limits = settings.limits
        return ConnectionTimes(head: limits.headTime, read: limits.readTime, write: limits.writeTime)
    }
}

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
