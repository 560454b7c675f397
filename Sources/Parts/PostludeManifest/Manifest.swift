package import HTTPTypes
package import PostludeRouting

/// `routes.yaml`, decoded and checked: the routes with their handlers and limits, and all settings.
///
/// A value of this type is complete: it contains the defaults, and each route's limits are merged with those for all routes.
package struct Manifest: Sendable {
    /// The prefix of every route's path, such as `/api`; empty if there is none.
    package var prefix = ""
    /// The listening socket, and the peers that may connect to it.
    package var listen = Listen()
    package var processes = Processes()
    package var workers = Workers()
    package var overload = Overload()
    package var limits = Limits()
    package var tasks = TaskLimits()
    /// The time for which a stopping process waits for requests in flight and queued tasks.
    package var shutdownGrace: Duration = .seconds(30)
    package var log = Log()
    /// The settings of the status page; `nil` if there is none.
    package var status: Status?
    /// The location from which nginx sends files; `nil` if the application sends them itself.
    package var files: Files?
    package var uploads = Uploads()
    package var openAPI = OpenAPI()
    /// The settings of the task store; `nil` if the application has no durable tasks.
    package var taskStore: TaskStore?
    /// The settings of durable tasks by kind, in the order of the file, like `schedules`.
    package var durableTasks: [DurableTask] = []
    package var schedules: [Schedule] = []
    /// The addresses of the broker and of the results; `nil` if the application has no broker.
    package var celery: Celery?
    /// The routes in the order of the file. The first route that matches a request is used.
    package var routes: [Route] = []

    package init() {}

    /// One route.
    package struct Route: Sendable {
        package var methods: [HTTPRequest.Method]
        /// The pattern with the prefixes of the manifest and of the route's groups.
        package var pattern: RoutePattern
        /// The name under which the application registered the handler.
        package var handler: String
        /// The names of the middleware around the handler, outermost first: that of the groups, then that of the route.
        package var middleware: [String] = []
        package var limits: Limits
        package var tasks: TaskLimits
        /// The settings of `Idempotency-Key`; `nil` if the route ignores it. They apply to the methods that are not safe.
        package var idempotency: Idempotency?
        /// The id of the route's operation in the documentation; by default the handler's name.
        package var operationID: String?
        /// A line about the route in the documentation.
        package var summary: String?
        package var description: String?
        package var tags: [String] = []
        package var deprecated = false
        /// Whether the route has `regex` instead of `path`.
        var isRegex = false
        /// The position of the route in the file.
        package var location: SourceLocation
        /// The position of the route's `path` or `regex`.
        package var pathLocation: SourceLocation
    }

    /// The settings of the header `Idempotency-Key`, with which a client can repeat a request.
    package struct Idempotency: Sendable, Hashable {
        /// Whether a request must have a key.
        package enum Key: String, Sendable, Hashable, CaseIterable {
            case optional, required
        }

        package var key = Key.optional
        /// The time for which the first answer is kept.
        package var keep: Duration = .seconds(24 * 60 * 60)
        /// The position of the mapping in the file.
        package var location: SourceLocation

        package init(location: SourceLocation) { self.location = location }

        /// Whether a request with this method can have a key: those with a safe method (RFC 9110, 9.2.1) change nothing. PUT
        /// and DELETE can, since their second answer may differ from the first one, and their tasks would be added twice.
        package static func applies(to method: HTTPRequest.Method) -> Bool {
            switch method {
            case .get, .head, .options, .trace: false
            default: true
            }
        }
    }

    /// The number of workers, threads that serve requests and run tasks, in each process.
    package struct Workers: Sendable, Hashable {
        package var minimum = 4
        package var maximum = 64
        /// The number of workers that are reserved for requests, so that long tasks cannot occupy all workers.
        package var reservedForRequests = 1
        /// The time for which a worker above the minimum waits for work before it ends.
        package var idleTime: Duration = .seconds(30)

        package init() {}
    }

    /// The limits of a request: sizes and times.
    package struct Limits: Sendable, Hashable {
        /// The largest size of the FastCGI parameters, in bytes.
        package var head = 64 << 10
        /// The largest size of the body, in bytes.
        package var body = 1 << 20
        /// The time within which the head must be complete.
        package var headTime: Duration = .seconds(10)
        /// The longest time between two parts of a body.
        package var readTime: Duration = .seconds(60)
        /// The time within which the whole response must be written.
        package var writeTime: Duration = .seconds(60)
        /// The time after which the handler is cancelled and the client gets 504, from the moment at which a worker takes
        /// the request; `nil` means never.
        package var requestTimeout: Duration?
        /// The time after which the handler's stack is logged; `nil` means never.
        package var slowTime: Duration?
        /// The time after which the process is replaced, because the handler cannot be stopped; `nil` means never.
        package var killTime: Duration?
        /// The largest number of event streams that a process has open without a worker.
        package var eventStreams = 10_000

        package init() {}
    }

    /// The limits of background tasks: times of one task, and the number of tasks of one worker.
    package struct TaskLimits: Sendable, Hashable {
        /// The time after which a warning is logged.
        package var warn: Duration = .seconds(30)
        /// The time after which the task is cancelled; `nil` means never.
        package var deadline: Duration?
        /// The time after which the process is replaced, because the task cannot be stopped; `nil` means never.
        package var killTime: Duration?
        /// The largest number of tasks that one worker has; `nil` means any number.
        package var maxQueued: Int?
        package var whenFull: FullQueue = .run

        package init() {}

        /// The treatment of a request with whose tasks its worker would have more than `maxQueued`.
        package enum FullQueue: String, Sendable, Hashable, CaseIterable {
            /// The tasks run on this worker nevertheless, and this is logged.
            case run
            /// The client gets 503, and the tasks are dropped.
            case refuse
            /// Durable tasks are left to the next free worker; other tasks run on this worker.
            case leave
        }
    }
}

extension Manifest {
    /// The application's title, version and description in its OpenAPI document, and the paths at which it is served.
    package struct OpenAPI: Sendable, Hashable {
        package var title = "API"
        /// The application's version, as it is written in the file.
        package var version = "1.0.0"
        package var description: String?
        /// The document's path with the manifest's prefix; `nil` if it is not served.
        package var document: String?
        /// The path, with the prefix, of the page that shows the document; `nil` if there is none. There is no page without a
        /// document.
        package var page: String?

        package init() {}

        /// The paths that are served in addition to the routes, each with the name of its content.
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
