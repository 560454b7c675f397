internal import Logging
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeSystem
internal import PostludeThreads

/// What one manifest decides about serving. A request keeps the one that it began with.
final class Generation: Sendable {
    /// 1 for the manifest that the supervisor has begun with, and one more for each that was read since.
    let number: Int
    let manifest: Manifest
    let settings: ServerSettings
    let router: Router
    let responder: Responder
    let files: FileLocation?
    let logger: Logger
    /// For callers without a matcher of their own; nil if there was no memory for it.
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

    /// The route of a request that is answered without a worker; nil if no route takes it.
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
