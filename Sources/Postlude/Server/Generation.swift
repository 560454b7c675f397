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
