internal import PostludeFastCGI
internal import PostludeScoreboard
internal import Synchronization

/// The request for which the current code runs, available in all code that a handler or a task calls.
///
/// `Logger.current` of swift-log has the same values as metadata, so that most code does not need this type.
public struct RequestContext: Sendable {
    /// The request's id (``Request/id``).
    public let id: String
    /// The pattern of the request's route; empty if no route matches the request.
    public let route: String

    /// The current request; nil outside of handlers and tasks, and in a detached task that one of them has started.
    public static var current: RequestContext? {
        switch RequestScope.current {
        case .request(let request): RequestContext(id: request.id, route: request.route)
        case .task(let task): RequestContext(id: task.requestID, route: task.route)
        case nil: nil
        }
    }
}

extension JSONFormat {
    /// The format of the application that serves the current request; the default format outside of requests.
    package static var current: JSONFormat {
        guard case .request(let request)? = RequestScope.current else { return JSONFormat() }
        return request.json
    }
}

/// The identity of a request. Its id is created on first use, since most requests log nothing.
final class RequestIdentity: Sendable {
    private final class Box: Sendable {
        let id: String
        init(_ id: String) { self.id = id }
    }

    let route: String
    /// The name of the route's handler; empty if it is unknown.
    let handler: String
    /// The JSON format of the response's values.
    let json: JSONFormat
    private let head: RequestHead?
    private let box = AtomicLazyReference<Box>()

    init(_ head: RequestHead, route: String, handler: String = "", json: JSONFormat = JSONFormat()) {
        self.head = head
        self.route = route
        self.handler = handler
        self.json = json
    }

    /// Creates the identity of a request whose id is known.
    init(id: String, route: String) {
        head = nil
        json = JSONFormat()
        self.route = route
        handler = ""
        _ = box.storeIfNil(Box(id))
    }

    var id: String { knownID ?? store(RequestID.random()) }

    /// The id, if the web server or the client has sent one, or it was created already; otherwise nil.
    var knownID: String? {
        if let known = box.load() { return known.id }
        return head.flatMap(RequestID.given).map(store)
    }

    /// Returns the request as the status pages show it. Does not create an id, which would take longer than all of this.
    ///
    /// - Parameter duration: the time that the response took.
    func shown(duration: Duration?) -> ShownRequest {
        ShownRequest(
            method: head?.value("REQUEST_METHOD") ?? [], target: head?.value("REQUEST_URI") ?? [],
            route: route, handler: handler, id: knownID ?? "", duration: duration ?? .zero)
    }

    private func store(_ id: String) -> String { box.storeIfNil(Box(id)).id }
}
