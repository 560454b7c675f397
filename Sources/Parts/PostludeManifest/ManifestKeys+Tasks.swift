/// What one kind has in `durable-tasks`.
enum DurableTaskKey: String, ManifestKey {
    case attempts
    case delay
    case factor
    case maximumDelay = "maximum-delay"
    case jitter
    case deadline
    case expiry
    case priority
    case runs
    case promotion

    static let mapping = "a kind's `durable-tasks`"
}

/// `runs` where it is a mapping.
enum PlaceKey: String, ManifestKey {
    case celery

    static let mapping = "`runs`"
}

/// `promotion`.
enum PromotionKey: String, ManifestKey {
    case celery
    case when

    static let mapping = "`promotion`"
}

/// An item of `schedules`.
enum ScheduleKey: String, ManifestKey {
    case cron
    case timeZone = "time-zone"
    case task
    case arguments
    case overlap

    static let mapping = "a schedule"
}
