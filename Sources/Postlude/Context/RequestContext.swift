internal import PostludeFastCGI
internal import PostludeScoreboard
internal import Synchronization

/// The request that the current code works for, known to everything that a handler or a task calls.
///
/// `Logger.current` of swift-log carries the same values as metadata, so that few need to ask.
public struct RequestContext: Sendable {
    /// The request's id (``Request/id``).
    public let id: String
    /// The pattern of the request's route; empty where no route takes the request.
    public let route: String

    /// nil outside of handlers and tasks, and in a detached task that one of them has started.
    public static var current: RequestContext? {
        switch RequestScope.current {
        case .request(let request): RequestContext(id: request.id, route: request.route)
        case .task(let task): RequestContext(id: task.requestID, route: task.route)
        case nil: nil
        }
    }
}

extension JSONFormat {
    /// What the application of the request that is being served has chosen.
    package static var current: JSONFormat {
        guard case .request(let request)? = RequestScope.current else { return JSONFormat() }
        return request.json
    }
}

/// What a request is called, made when it is first asked for: most requests log nothing.
final class RequestIdentity: Sendable {
    private final class Box: Sendable {
        let id: String
        init(_ id: String) { self.id = id }
    }

    let route: String
    /// The name of the route's handler; empty where it is not known.
    let handler: String
    /// How its answer's values are written.
    let json: JSONFormat
    private let head: RequestHead?
    private let box = AtomicLazyReference<Box>()

    init(_ head: RequestHead, route: String, handler: String = "", json: JSONFormat = JSONFormat()) {
        self.head = head
        self.route = route
        self.handler = handler
        self.json = json
    }

    /// A request whose id is known.
    init(id: String, route: String) {
        head = nil
        json = JSONFormat()
        self.route = route
        handler = ""
        _ = box.storeIfNil(Box(id))
    }

    var id: String { knownID ?? store(RequestID.random()) }

    /// nil if the web server has given none and none was asked for.
    var knownID: String? {
        if let known = box.load() { return known.id }
        return head.flatMap(RequestID.given).map(store)
    }

    /// As the status pages show it. As of a request, the id is shown if it has one: making one up takes longer than all
    /// this.
    ///
    /// - Parameter duration: how long the answer took.
    func shown(duration: Duration?) -> ShownRequest {
        ShownRequest(
            method: head?.value("REQUEST_METHOD") ?? [], target: head?.value("REQUEST_URI") ?? [],
            route: route, handler: handler, id: knownID ?? "", duration: duration ?? .zero)
    }

    private func store(_ id: String) -> String { box.storeIfNil(Box(id)).id }
}
