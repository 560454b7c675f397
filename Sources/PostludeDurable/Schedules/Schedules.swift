internal import FoundationEssentials
internal import Logging
internal import PostludeManifest
internal import PostludeSystem
internal import PostludeTaskStore

/// Fires the manifest's schedules: for each time the first process that comes to it.
///
/// A process whose clock is behind finds that another one has fired, and goes on from there.
final class Schedules: Sendable {
    /// When to look again at the latest: the clock may be set.
    private static let interval = Duration.seconds(1)

    /// By how many seconds the clock must have been set back for a schedule to go on at once: more than by a change to or
    /// from summer time, or a small correction, within which no time is to fire twice.
    private static let corrected = 3 * 3600.0

    private let access: TaskStoreAccess
    private let kinds: @Sendable () -> DurableTaskKinds
    private let logger: Logger
    private let now: @Sendable () -> Date
    private let state = Lock(State())

    private struct State {
        /// Of a manifest that is new; nil when they have begun.
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

    /// These are fired from now on, and no others.
    func use(_ schedules: [Manifest.Schedule]) { state.withLock { $0.next = schedules } }

    /// Fires what is due. Called by one thread.
    ///
    /// - Returns: when to call it again.
    /// - Throws: where the task store cannot be read or written: nothing is lost, call it again.
    func fireDue() throws -> Duration {
        try begin()
        var schedules = state.withLock { $0.schedules }
        // What has fired before an error stays so.
        defer { state.withLock { [schedules] in $0.schedules = schedules } }
        var delay = Self.interval
        for index in schedules.indices {
            let now = now()
            if schedules[index].last > now { try meetClock(&schedules[index], now) }
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
            // Another manifest may have come meanwhile.
            if state.next == next { state.next = nil }
        }
    }

    /// A schedule has fired for a time that is still to come: the clock was ahead then.
    private func meetClock(_ schedule: inout Schedule, _ now: Date) throws {
        let taskStore = access.taskStore
        guard schedule.last > now.addingTimeInterval(Self.corrected) else {
            // `tasks reschedule` may have changed it.
            guard let last = try taskStore.lastFiring(of: schedule.key), last < schedule.last else { return }
            return schedule.goOn(from: last)
        }
        guard try taskStore.restartSchedule(schedule.key, at: now) else { return schedule.goOn(from: now) }
        logger.warning(
            "the clock was set back: a schedule that had fired for a later time continues from now",
            metadata: [
                "schedule": "\(schedule.settings.name)", "time": "\(schedule.last.ISO8601Format())",
            ])
        schedule.goOn(from: now)
    }

    private func fire(_ schedule: inout Schedule, at time: Date, _ now: Date) throws {
        let settings = schedule.settings
        var metadata: Logger.Metadata = [
            "schedule": "\(settings.name)", "time": "\(time.ISO8601Format())",
            "task": "\(settings.task.value)",
        ]
        guard var request = settings.request(of: kinds(), at: time, now: now) else {
            // Between two manifests: the check has found both before.
            return schedule.goOn(from: time)
        }
        request.runsHere = false
        guard let kept = try access.taskStore.fire(schedule.key, at: time, request)?.first else {
            return schedule.goOn(from: max(time, try access.taskStore.lastFiring(of: schedule.key) ?? time))
        }
        schedule.goOn(from: time)
        metadata["id"] = "\(kept.id)"
        switch kept {
        case .added:
            logger.info("a schedule has fired", metadata: metadata)
            if request.records.contains(where: { $0.queue != nil }) { access.outbox?.ring() }
        case .exists:
            logger.warning("a schedule's time is skipped: its last task is not over", metadata: metadata)
        }
    }
}

extension Manifest.Schedule {
    /// What is added when it fires.
    ///
    /// - Parameter time: when it was to fire.
    /// - Returns: nil if the program has no such kind, or the kind no such arguments.
    func request(of kinds: DurableTaskKinds, at time: Date, now: Date) -> NewRequest? {
        guard let kind = kinds[task.value], let payload = try? kind.payload(of: arguments) else { return nil }
        var record = kind.record(payload, at: now)
        if overlap == .skip { record.uniqueKey = "schedule \(name)" }
        return NewRequest(id: "\(name)@\(time.ISO8601Format())", records: [record])
    }
}

/// A schedule, and how far it has come.
private struct Schedule {
    let settings: Manifest.Schedule
    let key: String
    private let expression: CronExpression
    private(set) var last: Date
    /// nil if there is no other time.
    private(set) var next: Date?

    /// - Parameter last: it fires after this time.
    init(_ settings: Manifest.Schedule, behind last: Date) throws(ScheduleMistake) {
        self.settings = settings
        key = Self.key(of: settings)
        expression = try CronExpression(settings)
        self.last = last
        next = expression.next(after: last)
    }

    /// What the task store calls it. One whose times have changed is another one: what it would have missed was none of its.
    static func key(of settings: Manifest.Schedule) -> String {
        "\(settings.name) \(settings.cron.value) \(settings.timeZone.value)"
    }

    /// The time for which it is to fire: of several the last one, as what was missed is made up for once.
    func due(at now: Date) -> Date? {
        guard let next, next <= now else { return nil }
        return expression.last(after: last, through: now) ?? next
    }

    /// It has fired.
    mutating func goOn(from time: Date) {
        last = time
        next = expression.next(after: time)
    }
}

/// Why a schedule has no times.
struct ScheduleMistake: Error {
    let location: SourceLocation
    let message: String
}

extension CronExpression {
    /// When a schedule fires.
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
    /// Foundation takes abbreviations too, which mean several zones (`BST` is Dhaka's there, `EST` New York's with summer
    /// time), and offsets such as `GMT+5`, which the database's `Etc/GMT+5` reads the other way round.
    init?(tzDatabaseName name: String) {
        let isOwnName = name.contains("/") || Self.namesOfOneWord.contains(name)
        guard isOwnName, name.first?.isLetter == true else { return nil }
        self.init(identifier: name)
    }

    /// Those without a slash that are not abbreviations.
    private static let namesOfOneWord: Set<String> = [
        "UTC", "GMT", "Cuba", "Egypt", "Eire", "GB", "Greenwich", "Hongkong", "Iceland", "Iran", "Israel",
        "Jamaica", "Japan", "Kwajalein", "Libya", "Navajo", "Poland", "Portugal", "Singapore", "Turkey",
        "Universal", "Zulu", "GB-Eire", "NZ", "NZ-CHAT", "W-SU", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
    ]
}
