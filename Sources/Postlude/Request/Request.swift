public import HTTPTypes
internal import PostludeFastCGI
internal import PostludeRouting

/// The request that a worker is serving.
///
/// It is valid until the response is finished. It is not `Sendable`, so that a task cannot capture it: pass the values
/// that a task needs.
public struct Request: RequestInput {
    let storage: RequestStorage

    init(_ storage: RequestStorage) { self.storage = storage }

    /// Returns the request itself, for a handler that takes it as an input.
    public init(request: Request) { self = request }

    /// The id of the request: the FastCGI parameter `REQUEST_ID`, else the header `X-Request-ID`, else a random id. It
    /// has at most 128 characters: letters, digits and `-_.:`.
    public var id: String { storage.id }
    /// The method, as the client sent it. HEAD is not replaced by GET.
    public var method: HTTPRequest.Method { storage.method }
    /// The path as it is matched against routes: decoded, dot segments resolved, slashes merged. `%2F` and `%25` stay
    /// encoded.
    public var path: String { String(decoding: storage.path.bytes, as: UTF8.self) }
    /// The query as the client sent it, without the `?`; empty if there is none.
    public var query: String { String(decoding: storage.path.query, as: UTF8.self) }
    /// The pattern of the route, as written in the manifest.
    public var route: String { storage.route }
    /// The parameters of the route's pattern, percent-decoded.
    public var parameters: Parameters { storage.parameters }
    /// The whole body; empty if the handler reads it in pieces (``BodyStream``).
    public var body: [UInt8] {
        // An error is thrown before the handler is called.
        if storage.body.isLate { try? storage.body.collect() }
        return storage.body.bytes
    }
    /// The header fields that the web server passed on (`HTTP_…`), with `Content-Type` and `Content-Length`.
    public var headers: HTTPFields { storage.headers }
    /// The names and values of the query, decoded as HTML forms encode them (WHATWG URL, 5.1).
    public var queryItems: [(name: String, value: String)] { FormText.items(of: query) }

    /// Whether the request is cancelled, because the handler is past its route's `limits.request-timeout`. The client has
    /// received 504.
    ///
    /// A long synchronous handler checks this at intervals, and returns or throws. Async code is cancelled as well
    /// (`Task.isCancelled`). The handler's response is discarded, and of its tasks, only those with a condition that is met
    /// after a failure run (``TaskCondition``).
    public var isCancelled: Bool { storage.cancellation?.isCancelled ?? false }

    /// Returns the value of a header field; nil if it is absent.
    ///
    /// - Parameter name: the field's name, in upper or lower case.
    public func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }

    /// The id of the last event that the client received before it reconnected (`Last-Event-ID`; WHATWG HTML, 9.2.4).
    public var lastEventID: String? { header("Last-Event-ID") }

    /// Returns a FastCGI parameter, such as `REMOTE_ADDR`; the first one if the web server sent several.
    public func fastCGIParameter(_ name: String) -> String? { storage.head.string(named: name) }

    /// The values that the request's path has for the parameters of its route's pattern.
    public struct Parameters: Sendable {
        let values: RouteParameters

        /// The names and values, in the order of the pattern.
        public var pairs: [(name: String, value: String)] { values.pairs }

        /// Returns the value of a parameter; nil if the pattern has no such parameter.
        public subscript(name: String) -> String? { values[name] }
    }
}

@available(
    *, unavailable, message: "a request ends with its response: pass the values that a task needs to it"
)
extension Request: Sendable {}

/// The parts of a request. Parts that few handlers need are created on demand.
final class RequestStorage {
    let method: HTTPRequest.Method
    let path: RoutePath
    let route: String
    /// The name of the route's handler; empty if no route matches the request.
    let handler: String
    let parameters: Request.Parameters
    let head: RequestHead
    var body: BodySource
    var tasks: TaskQueueSource
    /// The application, for inputs and dependencies; nil in tests that do not need it.
    let application: (any Sendable)?
    /// nil while no dependency was computed.
    private(set) var dependencies: DependencyStore?
    /// The folder for uploaded files.
    let uploadFolder: String
    let routes: RoutePaths
    private let errorFormat: ErrorFormat
    /// The cancellation of the request; nil if it cannot be cancelled.
    var cancellation: RequestCancellation? {
        didSet { body.cancellation = cancellation }
    }
    private var retained: [any Sendable] = []
    /// The request's identity, which is also available to the code that the handler calls.
    let identity: RequestIdentity
    var id: String { identity.id }
    private(set) lazy var headers = HTTPFields(parameters: head.parameters)

    init(
        method: HTTPRequest.Method, path: RoutePath, route: String, parameters: Request.Parameters,
        head: RequestHead, body: BodySource, tasks: TaskQueueSource,
        application: (any Sendable)? = nil, json: JSONFormat = JSONFormat(),
        uploadFolder: String = "/var/tmp", handler: String = "", routes: RoutePaths = RoutePaths(),
        errorFormat: ErrorFormat = .fastAPI
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
        self.errorFormat = errorFormat
        identity = RequestIdentity(head, route: route, handler: handler, json: json)
    }

    /// The answers to errors of this request.
    var errors: ErrorAnswers { ErrorAnswers(errorFormat, to: head) }

    func insert(_ dependency: any RequestDependency) {
        let store = dependencies ?? DependencyStore()
        store.insert(dependency)
        dependencies = store
    }

    /// Keeps a value alive until the last task of the request has ended.
    func keepAlive(_ value: any Sendable) { retained.append(value) }

    /// Rolls back the transaction around the call of the handler, if there is one.
    func rollBack() { tasks.takeTransaction()?.rollback() }

    /// Ends the request after its response is finished.
    ///
    /// - Returns: the tasks to run now, if there are any. They take over the kept values.
    func finalize(_ outcome: RequestOutcome) -> TaskQueue? {
        let queue = tasks.finalize(outcome)
        if !retained.isEmpty {
            queue?.keepAlive(retained)
            retained = []
        }
        return queue
    }
}
