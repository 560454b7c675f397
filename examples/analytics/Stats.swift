import Postlude

extension AnalyticsApplication {
    /// `GET /api/stats`: how many requests each minute of the last hour had.
    func stats() throws -> HourStatistics {
        try log.lastHour()
    }
}
