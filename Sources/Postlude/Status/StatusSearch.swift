internal import PostludeLogOutput
internal import PostludeSystem

/// The answer to a search for a request or a durable task by its id: `status.json?search=ID`.
struct StatusSearch: Codable, Sendable {
    /// The longest id in bytes that is searched for.
    static let longestID = 256

    /// The id that was searched for.
    var search: String
    /// The id of the request: that of the task's request if the id is a task's.
    var request: String
    /// The request's lines in the access log.
    var accessLog: AccessLogSearch.Result
    /// The durable tasks, the oldest first.
    var tasks: [FoundTasks.Task] = []
    /// Whether all durable tasks were searched.
    var isComplete = true
    /// Why the task store could not be searched.
    var error: String?

    enum CodingKeys: String, CodingKey {
        case search, request, tasks, error
        case accessLog = "access log"
        case isComplete = "complete"
    }

    /// - Parameters:
    ///   - tasks: nil if the application has no durable tasks.
    ///   - seesValues: whether the reader may see the values and results of tasks.
    init(_ id: String, _ log: AccessLogSearch, _ tasks: TaskInspectionPages?, seesValues: Bool) {
        search = id
        do {
            if let found = try tasks?.find(id) { (self.tasks, isComplete) = (found.tasks, found.isComplete) }
        } catch {
            self.error = LoggedError.text(error)
        }
        let isTask = self.tasks.count == 1 && self.tasks.first?.id.lowercased() == id.lowercased()
        request = isTask ? self.tasks.first?.request ?? id : id
        accessLog = log.lines(of: request)
        guard !seesValues else { return }
        for index in self.tasks.indices { (self.tasks[index].values, self.tasks[index].result) = (nil, nil) }
    }
}
