internal import HTTPTypes

/// The pages of the status socket. The last segment of the path selects the page, so that a web server can place them at
/// any path.
struct StatusPages: Sendable {
    private let source: StatusSource

    init(_ source: StatusSource) { self.source = source }

    /// The handlers, with their methods.
    var handlers: [(method: String, handler: Handler)] {
        let page = ("GET", Handler("status") { (request: Request) in try response(to: request) })
        guard let tasks = source.storedTasks, tasks.allowsActions else { return [page] }
        return [
            page,
            ("POST", Handler("task-action") { (request: Request) in try performAction(on: tasks, request) }),
        ]
    }

    private func response(to request: Request) throws -> Response {
        let options = Set(request.queryItems.map(\.name))
        let page = request.path.split(separator: "/").last
        let reader = source.reader(request)
        // A load balancer's check has no user.
        guard reader.mayView || page == "ping" else { return Self.forbidden(reader, "viewers") }
        if page == "status.json", options.contains("dead-letters") { return try deadLetters(request) }
        if page == "status.json", options.contains("search") { return try search(request, by: reader) }
        switch page {
        // php-fpm's `?json` and `?openmetrics`.
        case "status" where options.contains("json"): return try json(request, for: reader)
        case "status" where options.contains("openmetrics"): return metrics
        case "status": return Self.page.response()
        case "status.json": return try json(request, for: reader)
        case "metrics": return metrics
        case "ping": return .text("pong", headers: Self.headers)
        default:
            return .text(
                "The pages are status, status.json, metrics and ping.\n", status: .notFound,
                headers: Self.headers)
        }
    }

    /// A page of dead letters: `status.json?dead-letters`, with `group=ID` and `after=NEXT`.
    private func deadLetters(_ request: Request) throws -> Response {
        let after = Self.value("after", of: request).map { Int64($0) }
        guard let tasks = source.storedTasks, after != .some(nil) else {
            return .text("There are no such dead letters.\n", status: .notFound, headers: Self.headers)
        }
        return try .json(
            tasks.deadLetters(inGroup: Self.value("group", of: request), after: after?.flatMap(\.self)),
            headers: Self.headers)
    }

    /// A request or a task: `status.json?search=ID`.
    private func search(_ request: Request, by reader: StatusReader) throws -> Response {
        let id = Self.value("search", of: request)?.trimmingSpaces ?? ""
        guard !id.isEmpty, id.utf8.count <= StatusSearch.longestID, !id.utf8.contains(0) else {
            return .text(
                "Expected the id of a request or a task, of at most \(StatusSearch.longestID) bytes.\n",
                status: .badRequest, headers: Self.headers)
        }
        return try .json(source.search(String(id), seesValues: reader.seesValues), headers: Self.headers)
    }

    private static func forbidden(_ reader: StatusReader, _ roles: String) -> Response {
        let who = reader.user == nil ? "The web server passes no user" : "The user is not among those"
        return .text(
            "\(who) that the manifest's `status` names in `\(roles)`.\n", status: .forbidden, headers: headers
        )
    }

    private static func value(_ name: String, of request: Request) -> String? {
        request.queryItems.first { $0.name == name }?.value
    }

    /// The report, with `?history` all rows of the history, with `history=seconds` and `history=minutes` one kind of them, and
    /// with `after=TIME` only later seconds, and minutes from the one on that contains that time.
    private func json(_ request: Request, for reader: StatusReader) throws -> Response {
        var range: StatusReport.HistoryRange?
        if let kind = Self.value("history", of: request) {
            range = StatusReport.HistoryRange(
                hasSeconds: kind != "minutes", hasMinutes: kind != "seconds",
                after: Self.value("after", of: request).flatMap { Int($0) } ?? 0)
        }
        var report = source.report(history: range)
        report.user = reader.user
        report.storedTasks?.allowsActions = reader.mayChange
        return try .json(report, headers: Self.headers)
    }

    private var metrics: Response {
        Response(
            contentType: OpenMetrics.contentType, headers: Self.headers, body: Array(source.metrics.utf8))
    }

    /// Carries out `POST status?retry=ID`, `?discard=ID`, and `?pause=`, `?resume=` and `?cancel=` with an id or the name of a
    /// kind, which the page's buttons send. With the name of a kind, `&key=` selects its tasks with a unique key.
    private func performAction(on tasks: TaskInspectionPages, _ request: Request) throws -> Response {
        func answer(_ status: HTTPResponse.Status, _ text: String) -> Response {
            .text(text + "\n", status: status, headers: Self.headers)
        }
        guard request.path.split(separator: "/").last == "status" else {
            return answer(.notFound, "Change tasks with status?ACTION=ID, such as status?retry=ID.")
        }
        // The required header protects against CSRF: for another site's page, a browser sends a preflight request first,
        // and does not get permission to send the header.
        guard let header = Self.actionHeader, request.headers[header] != nil else {
            return answer(.forbidden, "The header Postlude-Task-Action is missing.")
        }
        // Browsers say so from pages that are served by TLS or by this machine.
        if let site = request.header("Sec-Fetch-Site"), site != "same-origin" {
            return answer(.forbidden, "The request comes from the page of another site.")
        }
        let reader = source.reader(request)
        guard reader.mayChange else {
            return Self.forbidden(reader, reader.mayView ? "operators" : "viewers")
        }
        let items = request.queryItems
        guard let item = items.first, let action = TaskAction(rawValue: item.name),
            items.count == 1 || items.count == 2 && items[1].name == "key" && action.isForKinds
        else {
            let names = TaskAction.allCases.map { "\($0)=ID" }.joined(separator: ", ")
            return answer(.badRequest, "Expected one of \(names).")
        }
        let key = items.count == 2 ? items[1].value : nil
        let who = reader.user ?? "the status page"
        switch try tasks.perform(action, on: item.value, key: key, by: who) {
        case .changed: return answer(.ok, "done")
        case .unknown: return answer(.notFound, "There is no such task, or it was removed.")
        case .refused(let reason): return answer(.conflict, "It stays unchanged: \(reason).")
        }
    }

    /// The HTML page, which shows the data of the `status.json` next to it.
    private static let page = HTMLPage(
        title: "Status", style: PackageResources.status_css,
        script: PackageResources.status_elements_js + PackageResources.status_plots_js
            + PackageResources.status_tasks_js + PackageResources.status_search_js
            + PackageResources.status_js,
        body: HTMLPage.text(PackageResources.status_html))
    private static let actionHeader = HTTPField.Name("Postlude-Task-Action")
    private static let headers: HTTPFields = [.cacheControl: "no-store", .xContentTypeOptions: "nosniff"]
}
