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
        var allowsActions: Bool
        /// The reason why the task store could not be read.
        var error: String?

        enum CodingKeys: String, CodingKey {
            case library, names, error
            case oldestAge = "oldest age"
            case deadLetters = "dead letters"
            case allowsActions = "task actions"
        }
    }

    let allowsActions: Bool
    private let inspector: any TaskInspector
    private let logger: Logger
    private let state = Lock(State())

    private struct State {
        var answer: Answer?
        /// The time of the next read.
        var next = MonotonicTime.now
        var isReading = false
        /// The number of commands so far: a report that was read before the last one is outdated.
        var actions = 0
    }

    init(_ inspector: any TaskInspector, allowsActions: Bool, logger: Logger) {
        self.inspector = inspector
        self.allowsActions = allowsActions
        self.logger = logger
    }

    /// The current report. One request reads the store, and others do not wait for it, so that a disk that hangs does not
    /// block the pages.
    var answer: Answer {
        let (known, actions) = state.withLock { state -> (Answer?, Int) in
            if state.isReading || MonotonicTime.now < state.next {
                return (state.answer ?? failure("they are being read"), 0)
            }
            state.isReading = true
            return (nil, state.actions)
        }
        if let known { return known }
        let answer = read()
        state.withLock { state in
            state.isReading = false
            if let error = answer.error, state.answer?.error == nil {
                logger.error(
                    "the status pages cannot read the stored tasks", metadata: ["error": "\(error)"])
            }
            state.answer = answer
            if state.actions == actions { state.next = .now + .seconds(1) }
        }
        return answer
    }

    private func read() -> Answer {
        do {
            let report = try inspector.report()
            return Answer(
                library: inspector.library, names: report.names, oldestAge: report.oldestAge,
                deadLetters: report.deadLetters,
                allowsActions: allowsActions)
        } catch {
            return failure(LoggedError.text(error))
        }
    }

    private func failure(_ text: String) -> Answer {
        Answer(library: inspector.library, allowsActions: allowsActions, error: text)
    }

    func perform(_ action: TaskAction, on id: String) throws -> TaskActionResult {
        let result = try inspector.perform(action, on: id)
        logger.notice(
            "a task was changed on the status page",
            metadata: ["action": "\(action)", "task_id": "\(id)", "result": "\(result)"])
        // The next page reads the store again, so that the operator sees the effect of the command.
        state.withLock { state in
            state.actions += 1
            state.next = .now
        }
        return result
    }
}
