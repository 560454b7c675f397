internal import Postlude
internal import PostludeManifest

extension DurablePolicy {
    /// The policy, with what the manifest says about its kind.
    func with(_ settings: Manifest.DurableTask) -> DurablePolicy {
        var policy = self
        policy.retry.attempts = settings.attempts ?? retry.attempts
        policy.retry.delay = settings.delay ?? retry.delay
        policy.retry.factor = settings.factor ?? retry.factor
        policy.retry.maximumDelay = settings.maximumDelay ?? retry.maximumDelay
        policy.retry.jitter = settings.jitter ?? retry.jitter
        policy.deadline = settings.deadline ?? deadline
        policy.expiry = settings.expiry ?? expiry
        policy.priority = settings.priority.map(DurablePriority.init) ?? priority
        policy.runs = settings.runs.map { TaskExecution(queue: $0.queue) } ?? runs
        policy.promotion = settings.promotion.map(TaskRerouting.init) ?? promotion
        return policy
    }
}

extension DurablePriority {
    fileprivate init(_ priority: Manifest.DurableTask.Priority) {
        self =
            switch priority {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension TaskRerouting {
    fileprivate init(_ promotion: Manifest.DurableTask.Promotion) {
        let occasions = promotion.occasions.map { occasion -> Occasion in
            switch occasion {
            case .deadline: .deadline
            case .attempts: .attempts
            case .shutdown: .shutdown
            }
        }
        self.init(to: TaskExecution(queue: promotion.place.queue), when: Set(occasions))
    }
}
