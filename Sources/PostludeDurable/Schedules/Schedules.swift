internal import FoundationEssentials
internal import Logging
internal import PostludeManifest
internal import PostludeSystem
internal import PostludeTaskStore

/// Fires the manifest's schedules. Each time of a schedule is fired by one process, the first that reaches it.
///
/// A process whose clock is slow finds the firing of another process in the task store, and continues after it.
final class Schedules: Sendable {
    /// The longest delay between two checks: the clock may be set.
    private static let interval = Duration.seconds(1)

    /// How far, in seconds, the clock must have been set back for a schedule to continue from the new time. It is more than a
    /// change to or from daylight saving time, or a small correction, within which no time may fire twice.
    private static let corrected = 3 * 3600.0

    private let access: TaskStoreAccess
    private let kinds: @Sendable () -> DurableTaskKinds
    private let logger: Logger
    private let now: @Sendable () -> Date
    private let state = Lock(State())

    private struct State {
        /// The schedules of a new manifest; nil after they have begun.
        var next: [Manifest.Schedule]?
        var schedules: [Schedule] = []
    }

    init(
        in access: TaskStoreAccess, kinds: @escaping @Sendable () -> DurableTaskKinds, logger: Logger,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.access = access
        self.kinds = kinds
        self.logger = logger
        self.now = now
    }

    /// Replaces the schedules that are fired.
    func use(_ schedules: [Manifest.Schedule]) { state.withLock { $0.next = schedules } }

    /// Fires all schedules that are due. Called by one thread.
    ///
    /// - Returns: how long to wait before the next call.
    /// - Throws: an error if the task store cannot be read or written. No firing is lost: call it again.
    func fireDue() throws -> Duration {
        try begin()
        var schedules = state.withLock { $0.schedules }
        // Keeps the progress of the schedules that have fired before an error.
        defer { state.withLock { [schedules] in $0.schedules = schedules } }
        var delay = Self.interval
        for index in schedules.indices {
            let now = now()
            if schedules[index].last > now { try handleClockChange(of: &schedules[index], now) }
            while let time = schedules[index].due(at: now) {
                try fire(&schedules[index], at: time, now)
            }
            guard let next = schedules[index].next else { continue }
            delay = min(delay, .seconds(max(0.001, next.timeIntervalSince(now))))
        }
        return delay
    }

    private func begin() throws {
        guard let next = state.withLock({ $0.next }) else { return }
        let taskStore = access.taskStore
        let schedules = try next.compactMap { settings -> Schedule? in
            do {
                let last = try taskStore.beginSchedule(Schedule.key(of: settings))
                return try Schedule(settings, behind: last)
            } catch let error as ScheduleMistake {
                logger.error(
                    "a schedule cannot be used",
                    metadata: ["schedule": "\(settings.name)", "error": "\(error.message)"])
                return nil
            }
        }
        state.withLock { state in
            state.schedules = schedules
            // Unless yet another manifest has been applied in the meantime.
            if state.next == next { state.next = nil }
        }
    }

    /// Handles a schedule whose last firing is in the future, because the clock was ahead then.
    private func handleClockChange(of schedule: inout Schedule, _ now: Date) throws {
        let taskStore = access.taskStore
        guard schedule.last > now.addingTimeInterval(Self.corrected) else {
            // `tasks reschedule` may have changed it.
            guard let last = try taskStore.lastFiring(of: schedule.key), last < schedule.last else { return }
            return schedule.resume(from: last)
        }
        guard try taskStore.restartSchedule(schedule.key, at: now) else { return schedule.resume(from: now) }
        logger.warning(
            "the clock was set back: a schedule that had fired for a later time continues from now",
            metadata: [
                "schedule": "\(schedule.settings.name)", "time": "\(schedule.last.ISO8601Format())",
            ])
        schedule.resume(from: now)
    }

    private func fire(_ schedule: inout Schedule, at time: Date, _ now: Date) throws {
        let settings = schedule.settings
        var metadata: Logger.Metadata = [
            "schedule": "\(settings.name)", "time": "\(time.ISO8601Format())",
            "task": "\(settings.task.value)",
        ]
        guard var request = settings.request(of: kinds(), at: time, now: now) else {
            // Possible only between two manifests: the check of each has found the kind, and arguments that fit it.
            return schedule.resume(from: time)
        }
        request.runsHere = false
        guard let result = try access.taskStore.fire(schedule.key, at: time, request)?.first else {
            return schedule.resume(from: max(time, try access.taskStore.lastFiring(of: schedule.key) ?? time))
        }
        schedule.resume(from: time)
        metadata["id"] = "\(result.id)"
        switch result {
        case .added:
            logger.info("a schedule has fired", metadata: metadata)
            if request.records.contains(where: { $0.queue != nil }) { access.outbox?.wake() }
        case .exists:
            logger.warning("a schedule's time is skipped: its last task is not over", metadata: metadata)
        }
    }
}

extension Manifest.Schedule {
    /// Returns the request that a firing adds to the task store.
    ///
    /// - Parameter time: the time for which it fires.
    /// - Returns: nil if the program does not have the kind, or the arguments do not fit it.
    func request(of kinds: DurableTaskKinds, at time: Date, now: Date) -> NewRequest? {
        guard let kind = kinds[task.value], let payload = try? kind.payload(of: arguments) else { return nil }
        var record = kind.record(payload, at: now)
        if overlap == .skip { record.uniqueKey = "schedule \(name)" }
        return NewRequest(id: "\(name)@\(time.ISO8601Format())", records: [record])
    }
}

/// A schedule with the time of its last firing.
private struct Schedule {
    let settings: Manifest.Schedule
    let key: String
    private let expression: CronExpression
    private(set) var last: Date
    /// The next time at which the schedule fires; nil if it has no further time.
    private(set) var next: Date?

    /// - Parameter last: the time of the last firing.
    init(_ settings: Manifest.Schedule, behind last: Date) throws(ScheduleMistake) {
        self.settings = settings
        key = Self.key(of: settings)
        expression = try CronExpression(settings)
        self.last = last
        next = expression.next(after: last)
    }

    /// Returns the schedule's key in the task store. A schedule whose times have changed has another key, because it does not
    /// make up for times that it did not have.
    static func key(of settings: Manifest.Schedule) -> String {
        "\(settings.name) \(settings.cron.value) \(settings.timeZone.value)"
    }

    /// Returns the time for which it is due to fire; nil if it is not due. Of several missed times this is the last one: they
    /// are made up for by one firing.
    func due(at now: Date) -> Date? {
        guard let next, next <= now else { return nil }
        return expression.last(after: last, through: now) ?? next
    }

    /// Continues after a firing.
    mutating func resume(from time: Date) {
        last = time
        next = expression.next(after: time)
    }
}

/// An invalid `cron` or `time-zone` of a schedule.
struct ScheduleMistake: Error {
    let location: SourceLocation
    let message: String
}

extension CronExpression {
    /// Parses the `cron` and `time-zone` of a schedule.
    init(_ schedule: Manifest.Schedule) throws(ScheduleMistake) {
        let name = schedule.timeZone.value
        guard let zone = TimeZone(tzDatabaseName: name) else {
            throw ScheduleMistake(
                location: schedule.timeZone.location,
                message:
                    "found \(quoted(name)) for `time-zone`, expected a name of the tz database such as Europe/Paris"
            )
        }
        do throws(CronError) {
            try self.init(schedule.cron.value, timeZone: zone)
        } catch {
            throw ScheduleMistake(
                location: schedule.cron.location,
                message:
                    "\(quoted(error.text)) for `cron`, column \(error.column): \(error.found), expected \(error.expected)"
            )
        }
    }
}

extension TimeZone {
    /// A time zone by its name in the tz database, such as `Europe/Paris`.
    ///
    /// Foundation also accepts abbreviations, which are ambiguous (`BST` is Dhaka's there, `EST` New York's with daylight
    /// saving time), and offsets such as `GMT+5`, whose sign is the opposite of the database's `Etc/GMT+5`.
    init?(tzDatabaseName name: String) {
        let isOwnName = name.contains("/") || Self.namesOfOneWord.contains(name)
        guard isOwnName, name.first?.isLetter == true else { return nil }
        self.init(identifier: name)
    }

    /// The names without a slash that are not abbreviations.
    private static let namesOfOneWord: Set<String> = [
        "UTC", "GMT", "Cuba", "Egypt", "Eire", "GB", "Greenwich", "Hongkong", "Iceland", "Iran", "Israel",
        "Jamaica", "Japan", "Kwajalein", "Libya", "Navajo", "Poland", "Portugal", "Singapore", "Turkey",
        "Universal", "Zulu", "GB-Eire", "NZ", "NZ-CHAT", "PRC", "ROC", "ROK", "UCT", "W-SU", "EST5EDT",
        "CST6CDT", "MST7MDT", "PST8PDT",
    ]
}
