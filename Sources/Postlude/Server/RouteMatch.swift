internal import PostludeFastCGI
internal import PostludeRouting

/// The route of a request with a body, and the generation in which it was found.
///
/// A request is routed once. A request with a body is routed when its head is complete, since the route determines how
/// the body is read; its connection keeps the match until a worker serves the request. A request without a body is routed
/// by that worker.
final class RouteMatch: Sendable {
    let generation: Generation
    let resolution: Router.Resolution

    init(of head: RequestHead, by generation: Generation, using matcher: RouteMatcher) {
        self.generation = generation
        resolution = generation.router.resolve(head, using: matcher)
    }

    /// How the request's body is read. The connection keeps the match with the policy.
    var bodyPolicy: BodyPolicy {
        var policy = resolution.bodyPolicy
        policy.requestContext = self
        return policy
    }
}
