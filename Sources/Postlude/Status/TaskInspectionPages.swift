internal import Logging
internal import PostludeLogOutput
internal import PostludeSystem

/// A cache of the report on the application's durable tasks, which reads the task store at most once a second.
final class TaskInspectionPages: Sendable {
    /// The part of the status report about durable tasks, with an error if the task store could not be read.
    struct Answer: Codable, Sendable {
        /// The library that stores the tasks, with its version.
        var library: String
        var names: [StoredTaskReport.Kind] = []
        var oldestAge: Double?
        var deadLetters: [StoredTaskReport.DeadLetter] = []
        /// Whether the pages may retry and discard tasks.
        var isSteerable: Bool
        /// The reason why the task store could not be read.
        var trouble: String?

        enum CodingKeys: String, CodingKey {
            case library, names, trouble
            case oldestAge = "oldest age"
            case deadLetters = "dead letters"
            case isSteerable = "steering"
        }
    }

    let isSteerable: Bool
    private let inspector: any TaskInspector
    private let logger: Logger
    private let state = Lock(State())

    private struct State {
        var answer: Answer?
        /// The time of the next read.
        var next = MonotonicTime.now
        var isLooking = false
        /// The number of commands so far: a report that was read before the last one is outdated.
        var steps = 0
    }

    init(_ inspector: any TaskInspector, isSteerable: Bool, logger: Logger) {
        self.inspector = inspector
        self.isSteerable = isSteerable
        self.logger = logger
    }

    /// The current report. One request reads the store, and others do not wait for it, so that a disk that hangs does not
    /// block the pages.
    var answer: Answer {
        let (known, steps) = state.withLock { state -> (Answer?, Int) in
            if state.isLooking || MonotonicTime.now < state.next {
                return (state.answer ?? trouble("they are being read"), 0)
            }
            state.isLooking = true
            return (nil, state.steps)
        }
        if let known { return known }
        let answer = look()
        state.withLock { state in
            state.isLooking = false
            if let trouble = answer.trouble, state.answer?.trouble == nil {
                logger.error(
                    "the status pages cannot read the stored tasks", metadata: ["error": "\(trouble)"])
            }
            state.answer = answer
            if state.steps == steps { state.next = .now + .seconds(1) }
        }
        return answer
    }

    private func look() -> Answer {
        do {
            let report = try inspector.report()
            return Answer(
                library: inspector.library, names: report.names, oldestAge: report.oldestAge,
                deadLetters: report.deadLetters,
                isSteerable: isSteerable)
        } catch {
            return trouble(LoggedError.text(error))
        }
    }

    private func trouble(_ text: String) -> Answer {
        Answer(library: inspector.library, isSteerable: isSteerable, trouble: text)
    }

    func steer(_ step: TaskSteering, _ id: String) throws -> TaskSteeringResult {
        let result = try inspector.steer(step, id)
        logger.notice(
            "a task was steered on the status page",
            metadata: ["step": "\(step)", "task_id": "\(id)", "result": "\(result)"])
        // The next page reads the store again, so that the operator sees the effect of the command.
        state.withLock { state in
            state.steps += 1
            state.next = .now
        }
        return result
    }
}
