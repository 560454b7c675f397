internal import PostludeFastCGI
internal import PostludeRouting

/// The route of a request that has a body, and the manifest that it is by.
///
/// A request is routed once. One with a body is routed when its head is complete, since the route decides about the body;
/// its connection carries the match until a worker serves the request. One without a body is routed by that worker.
final class RouteMatch: Sendable {
    let generation: Generation
    let resolution: Router.Resolution

    init(of head: RequestHead, by generation: Generation, using matcher: RouteMatcher) {
        self.generation = generation
        resolution = generation.router.resolve(head, using: matcher)
    }

    /// What happens to the request's body. The connection keeps the match with it.
    var bodyPolicy: BodyPolicy {
        var policy = resolution.bodyPolicy
        policy.requestContext = self
        return policy
    }
}
