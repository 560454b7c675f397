internal import FoundationEssentials
internal import PostludeManifest
internal import PostludeTaskStore

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
