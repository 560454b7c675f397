public import HTTPTypes
internal import PostludeFastCGI
internal import PostludeRouting

/// The request that a worker is serving.
///
/// It lives until the response is finished. It is not `Sendable`, so that a task cannot capture it: what a task needs
/// is passed to it as values.
public struct Request: RequestInput {
    let storage: RequestStorage

    init(_ storage: RequestStorage) { self.storage = storage }

    /// The request itself, for a handler that asks for it.
    public init(request: Request) { self = request }

    /// What the web server calls the request (the FastCGI parameter `REQUEST_ID`, else the header `X-Request-ID`), or a
    /// random name. It is at most 128 letters, digits and `-_.:` long.
    public var id: String { storage.id }
    /// The method, as the client sent it: HEAD is not GET here.
    public var method: HTTPRequest.Method { storage.method }
    /// The path as routes see it: decoded, dot segments resolved, slashes merged. `%2F` and `%25` stay encoded.
    public var path: String { String(decoding: storage.path.bytes, as: UTF8.self) }
    /// The query as the client sent it, without the `?`; empty when there is none.
    public var query: String { String(decoding: storage.path.query, as: UTF8.self) }
    /// The pattern of the route, as the manifest has it.
    public var route: String { storage.route }
    /// The parameters of the route's pattern, percent-decoded.
    public var parameters: Parameters { storage.parameters }
    /// The whole body; empty where the handler reads it in pieces (``BodyStream``).
    public var body: [UInt8] { storage.body.bytes }
    /// The header fields that the web server passed on (`HTTP_…`), with `Content-Type` and `Content-Length`.
    public var headers: HTTPFields { storage.headers }
    /// The names and values of the query, decoded as HTML forms encode them (WHATWG URL, 5.1).
    public var queryItems: [(name: String, value: String)] { FormText.items(of: query) }

    /// Whether the answer is no longer wanted, because the handler is past its route's `limits.request-timeout`: the
    /// client has got 504.
    ///
    /// A long synchronous handler asks now and then, and returns or throws. Async code is cancelled as well
    /// (`Task.isCancelled`). What the handler returns is thrown away, and of its tasks only those run that run after a
    /// failure.
    public var isCancelled: Bool { storage.cancellation?.isCancelled ?? false }

    /// The value of a header field; nil when it is absent.
    ///
    /// - Parameter name: in any case.
    public func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }

    /// The id of the last event that a client got before it connected again (`Last-Event-ID`; WHATWG HTML, 9.2.4).
    public var lastEventID: String? { header("Last-Event-ID") }

    /// A FastCGI parameter, such as `REMOTE_ADDR`; the first one where the web server sent several.
    public func fastCGIParameter(_ name: String) -> String? { storage.head.string(named: name) }

    /// The parameters of a route's pattern.
    public struct Parameters: Sendable {
        let values: RouteParameters

        /// In the order of the pattern.
        public var pairs: [(name: String, value: String)] { values.map { ($0.name, $0.value) } }

        /// nil when the pattern has no such parameter.
        public subscript(name: String) -> String? { values[name] }
    }
}

@available(
    *, unavailable, message: "a request ends with its response: pass the values that a task needs to it"
)
extension Request: Sendable {}

/// What a request consists of; the parts that few handlers ask for are made when they are asked for.
final class RequestStorage {
    let method: HTTPRequest.Method
    let path: RoutePath
    let route: String
    /// The name of the route's handler; empty where no route takes the request.
    let handler: String
    let parameters: Request.Parameters
    let head: RequestHead
    let body: BodySource
    let tasks: TaskQueueSource
    /// What has the handlers, and what they need; nil in tests that need none.
    let application: (any Sendable)?
    let dependencies = DependencyStore()
    /// Where uploaded files are stored.
    let uploadFolder: String
    let routes: RoutePaths
    /// nil if the request cannot be cancelled.
    var cancellation: RequestCancellation? {
        didSet { body.cancellation = cancellation }
    }
    private var kept: [any Sendable] = []
    /// Known to the code that the handler calls, too.
    let identity: RequestIdentity
    var id: String { identity.id }
    private(set) lazy var headers = HTTPFields(parameters: head.parameters)

    init(
        method: HTTPRequest.Method, path: RoutePath, route: String, parameters: Request.Parameters,
        head: RequestHead, body: BodySource, tasks: TaskQueueSource,
        application: (any Sendable)? = nil, json: JSONFormat = JSONFormat(),
        uploadFolder: String = "/var/tmp", handler: String = "", routes: RoutePaths = RoutePaths()
    ) {
        self.method = method
        self.path = path
        self.route = route
        self.handler = handler
        self.parameters = parameters
        self.head = head
        self.body = body
        self.tasks = tasks
        self.application = application
        self.uploadFolder = uploadFolder
        self.routes = routes
        identity = RequestIdentity(head, route: route, handler: handler, json: json)
    }

    /// Keeps a value alive until the last task of the request has ended.
    func keep(_ value: any Sendable) { kept.append(value) }

    /// The response is finished.
    ///
    /// - Returns: the tasks to run now, if there are any; they keep what the request has kept.
    func settle(_ outcome: RequestOutcome) -> TaskQueue? {
        let queue = tasks.settle(outcome)
        if !kept.isEmpty {
            queue?.keep(kept)
            kept = []
        }
        return queue
    }
}
