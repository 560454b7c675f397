internal import Logging
internal import PostludeLogOutput
internal import PostludeSystem

/// What the status pages know of the application's stored tasks: asked for at most once a second, however many look.
final class TaskInspectionPages: Sendable {
    /// The report's part; with the trouble where the store could not be read.
    struct Answer: Codable, Sendable {
        /// What keeps them, with its version.
        var library: String
        var names: [StoredTaskReport.Kind] = []
        var oldestAge: Double?
        var deadLetters: [StoredTaskReport.DeadLetter] = []
        /// Whether the pages may have tasks run once more, or take them back.
        var isSteerable: Bool
        /// Why nothing is known.
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
        /// When it is asked again.
        var next = MonotonicTime.now
        var isLooking = false
        /// How often something was steered: what was read before does not count.
        var steps = 0
    }

    init(_ inspector: any TaskInspector, isSteerable: Bool, logger: Logger) {
        self.inspector = inspector
        self.isSteerable = isSteerable
        self.logger = logger
    }

    /// One request looks, and no other waits for it: a disk that hangs does not block the pages.
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
        // So that the operator sees the effect of a command.
        state.withLock { state in
            state.steps += 1
            state.next = .now
        }
        return result
    }
}
