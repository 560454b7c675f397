internal import Postlude
internal import PostludeManifest

extension DurablePolicy {
    /// The policy, with what the manifest says about its kind.
    func with(_ settings: Manifest.DurableTask) -> DurablePolicy {
        var policy = self
        policy.retry.attempts = settings.attempts ?? retry.attempts
        policy.retry.delay = settings.delay ?? retry.delay
        policy.retry.factor = settings.factor ?? retry.factor
        policy.retry.maximum = settings.maximumDelay ?? retry.maximum
        policy.retry.jitter = settings.jitter ?? retry.jitter
        policy.deadline = settings.deadline ?? deadline
        policy.expiry = settings.expiry ?? expiry
        policy.lane = settings.lane.map(DurableLane.init) ?? lane
        policy.runs = settings.runs.map { TaskPlace(queue: $0.queue) } ?? runs
        policy.promotion = settings.promotion.map(TaskPromotion.init) ?? promotion
        return policy
    }
}

extension DurableLane {
    fileprivate init(_ lane: Manifest.DurableTask.Lane) {
        self =
            switch lane {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension TaskPromotion {
    fileprivate init(_ promotion: Manifest.DurableTask.Promotion) {
        let occasions = promotion.occasions.map { occasion -> Occasion in
            switch occasion {
            case .deadline: .deadline
            case .attempts: .attempts
            case .shutdown: .shutdown
            }
        }
        self.init(to: TaskPlace(queue: promotion.place.queue), when: Set(occasions))
    }
}
