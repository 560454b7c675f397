internal import Metrics
internal import PostludeScoreboard
internal import PostludeSystem

/// Counts and times tasks: `postlude.tasks` and `postlude.task.duration`, by the task's name and outcome.
final class TaskMetrics: Sendable {
    private struct Key: Hashable {
        let task: String
        let outcome: TaskOutcome
    }

    private struct Meters {
        let counter: Counter
        let timer: Timer
    }

    private struct State {
        var names: Set<String> = []
        var meters: [Key: Meters] = [:]
    }

    private let factory: any MetricsFactory
    private let limit: Int
    private let state = Lock(State())

    convenience init(_ factory: any MetricsFactory) { self.init(factory, limit: 1000) }

    /// - Parameter limit: the largest number of different names, since an application may create names at run time. All
    ///   others are counted as `other`.
    init(_ factory: any MetricsFactory, limit: Int) {
        self.factory = factory
        self.limit = limit
    }

    /// - Parameter duration: the duration of the attempt; nil if there was none.
    func count(_ outcome: TaskOutcome, task: String, taking duration: Duration?) {
        let meters = meters(task, outcome)
        meters.counter.increment()
        if let duration { meters.timer.recordNanoseconds(duration.saturatedNanoseconds) }
    }

    private func meters(_ task: String, _ outcome: TaskOutcome) -> Meters {
        state.withLock { state in
            var name = task
            if !state.names.contains(name) {
                if state.names.count < limit { state.names.insert(name) } else { name = "other" }
            }
            let key = Key(task: name, outcome: outcome)
            if let known = state.meters[key] { return known }
            let dimensions = [("postlude.task.name", name), ("postlude.task.outcome", outcome.rawValue)]
            let new = Meters(
                counter: Counter(label: "postlude.tasks", dimensions: dimensions, factory: factory),
                timer: Timer(label: "postlude.task.duration", dimensions: dimensions, factory: factory))
            state.meters[key] = new
            return new
        }
    }
}
