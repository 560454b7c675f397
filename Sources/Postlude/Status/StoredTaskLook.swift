internal import Linux
internal import Logging

/// What the status pages know of the application's stored tasks: asked for at most once a second, however many look.
final class StoredTaskLook: Sendable {
    /// The report's part; with the trouble where the store could not be read.
    struct Answer: Codable, Sendable {
        var names: [StoredTaskReport.Kind] = []
        var oldestAge: Double?
        var deadLetters: [StoredTaskReport.DeadLetter] = []
        /// Whether the pages may have tasks run once more, or take them back.
        var isSteerable: Bool
        /// Why nothing is known.
        var trouble: String?

        enum CodingKeys: String, CodingKey {
            case names, trouble
            case oldestAge = "oldest age"
            case deadLetters = "dead letters"
            case isSteerable = "steering"
        }
    }

    let isSteerable: Bool
    private let inspector: any TaskInspector
    private let logger: Logger
    private let last = Lock<(time: MonotonicTime, answer: Answer)?>(nil)

    init(_ inspector: any TaskInspector, isSteerable: Bool, logger: Logger) {
        self.inspector = inspector
        self.isSteerable = isSteerable
        self.logger = logger
    }

    /// Others wait while one looks, and get the same.
    var answer: Answer {
        last.withLock { last in
            if let last, MonotonicTime.now < last.time + .seconds(1) { return last.answer }
            var answer = Answer(isSteerable: isSteerable)
            do {
                let report = try inspector.report()
                (answer.names, answer.oldestAge) = (report.names, report.oldestAge)
                answer.deadLetters = report.deadLetters
            } catch {
                answer.trouble = LoggedError.text(error)
                if last?.answer.trouble == nil {
                    logger.error(
                        "the status pages cannot read the stored tasks",
                        metadata: ["error": "\(LoggedError.text(error))"])
                }
            }
            last = (.now, answer)
            return answer
        }
    }

    func steer(_ step: TaskSteering, _ id: String) throws -> TaskSteeringResult {
        let result = try inspector.steer(step, id)
        logger.notice(
            "a task was steered on the status page",
            metadata: ["step": "\(step)", "task_id": "\(id)", "result": "\(result)"])
        // So that whoever has steered sees it.
        last.withLock { $0 = nil }
        return result
    }
}
