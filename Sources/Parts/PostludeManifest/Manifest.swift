package import HTTPTypes
package import PostludeRouting

/// `routes.yaml`, decoded and checked: which handler answers which requests, and within which bounds.
///
/// A value of this type is complete: defaults are filled in, and each route has its own limits merged with
/// those that hold for all routes.
package struct Manifest: Sendable {
    /// What stands in front of every route's path, such as `/api`; empty if there is none.
    package var prefix = ""
    /// Where the supervisor listens, and who may connect.
    package var listen = Listen()
    package var processes = Processes()
    package var workers = Workers()
    package var overload = Overload()
    package var limits = Limits()
    package var tasks = TaskLimits()
    /// How long a stopping process waits for requests in flight and queued tasks.
    package var shutdownGrace: Duration = .seconds(30)
    package var log = Log()
    /// `nil` if there is no status page.
    package var status: Status?
    /// `nil` when the application sends its files itself.
    package var files: Files?
    package var uploads = Uploads()
    package var openAPI = OpenAPI()
    /// `nil` when the application has no durable tasks.
    package var taskStore: TaskStore?
    /// In the order of the file, as the schedules.
    package var durableTasks: [DurableTask] = []
    package var schedules: [Schedule] = []
    /// `nil` when the application has no broker.
    package var celery: Celery?
    /// In the order of the file: the first that matches wins.
    package var routes: [Route] = []

    package init() {}

    /// One route.
    package struct Route: Sendable {
        package var methods: [HTTPRequest.Method]
        /// With the prefixes of the manifest and of the route's groups applied.
        package var pattern: RoutePattern
        /// The name under which the application registered the handler.
        package var handler: String
        /// The names of the middleware around the handler, the outermost first: that of the groups, then the route's own.
        package var middleware: [String] = []
        package var limits: Limits
        package var tasks: TaskLimits
        /// What the documentation says about the route.
        package var summary: String?
        package var description: String?
        package var tags: [String] = []
        package var deprecated = false
        /// Whether the file gives `regex` and not `path`.
        var isRegex = false
        /// Where the route begins in the file.
        package var location: SourceLocation
        /// Where its `path` or `regex` stands.
        package var pathLocation: SourceLocation
    }

    /// How many threads serve requests and run tasks.
    package struct Workers: Sendable, Hashable {
        package var minimum = 4
        package var maximum = 64
        /// How many workers never run tasks, so that long tasks cannot take all of them.
        package var reservedForRequests = 1
        /// How long a worker above the minimum waits for work before it ends.
        package var idleTime: Duration = .seconds(30)

        package init() {}
    }

    /// What a request may cost.
    package struct Limits: Sendable, Hashable {
        /// Bytes of the FastCGI parameters.
        package var head = 64 << 10
        /// Bytes of the body.
        package var body = 1 << 20
        /// Time to a complete head.
        package var headTime: Duration = .seconds(10)
        /// Time between two pieces of a body.
        package var readTime: Duration = .seconds(60)
        /// Time in which the whole response must be written.
        package var writeTime: Duration = .seconds(60)
        /// Time from a request's head to its response, after which the handler is cancelled and answered 504;
        /// `nil` means never.
        package var requestTimeout: Duration?
        /// After this time the log shows where the handler is; `nil` means never.
        package var slowTime: Duration?
        /// After this time the process is replaced, as the handler cannot be stopped; `nil` means never.
        package var killTime: Duration?

        package init() {}
    }

    /// How long one background task may run.
    package struct TaskLimits: Sendable, Hashable {
        /// After this time a warning is logged.
        package var warn: Duration = .seconds(30)
        /// After this time the task is cancelled; `nil` means never.
        package var deadline: Duration?
        /// After this time the process is replaced, as the task cannot be stopped; `nil` means never.
        package var killTime: Duration?
        /// How many tasks may be with one worker; `nil` means any number.
        package var maxQueued: Int?
        package var whenFull: FullQueue = .run

        package init() {}

        /// What happens to a request whose tasks would be too many for its worker.
        package enum FullQueue: String, Sendable, Hashable, CaseIterable {
            /// They run on this worker all the same, and the log says so.
            case run
            /// The request is answered 503, and has no tasks.
            case refuse
            /// Its durable tasks are for the next free worker; its other ones run here.
            case leave
        }
    }
}

extension Manifest {
    /// What the application's OpenAPI document says about the application, and where it is served.
    package struct OpenAPI: Sendable, Hashable {
        package var title = "API"
        /// The application's version, as it is written in the file.
        package var version = "1.0.0"
        package var description: String?
        /// The document's path with the manifest's prefix applied; `nil` when it is not served.
        package var document: String?
        /// The path, with the prefix, of the page that shows the document; `nil` when there is none. There is
        /// a document when there is a page.
        package var page: String?

        package init() {}

        /// The paths that are served besides the routes, each with the name of its content.
        package var paths: [(path: String, name: String)] {
            [(document, "(OpenAPI document)"), (page, "(documentation page)")]
                .compactMap { path, name in path.map { ($0, name) } }
        }
    }

    /// The JSON Schema (draft-07) with which editors complete and check a manifest.
    package static var schema: String {
        String(decoding: PackageResources.manifest_schema_json, as: UTF8.self)
    }
}
