package import FoundationEssentials

/// An attempt of a record that has failed, or with which its process has died.
package struct RecordFailure: Sendable, Equatable {
    /// The number of failures that a store keeps of a record: the last ones.
    package static let limit = 100
    /// The number of characters to which a store cuts the errors.
    package static let errorLength = 4000

    /// The number of the attempt, from 1. A record that is retried on request begins again at 1.
    package var attempt: Int
    /// When the attempt began.
    package var started: Date
    package var error: String

    package init(attempt: Int, started: Date, error: String) {
        self.attempt = attempt
        self.started = started
        self.error = error
    }
}

/// The records of a request that a search has found.
package struct FoundRecords: Sendable, Equatable {
    /// The maximum number of records that a search returns.
    package static let limit = 100

    /// The records, the oldest first.
    package var records: [RecordSummary] = []
    /// Whether all records were searched: not if the time was over, or if there are more than the limit.
    package var isComplete = true

    package init() {}
}

extension FoundRecords {
    /// Searches a store from its newest record to its oldest one, range by range, so that no query takes long.
    ///
    /// - Parameters:
    ///   - width: the length of a range of numbers.
    ///   - time: how long the search may take.
    ///   - last: returns the largest number up to a number; nil if there is none.
    ///   - search: returns the records of the request in a range, the newest first.
    package static func search<Failure: Error>(
        ranges width: Int64, within time: Duration, last: (Int64) throws(Failure) -> Int64?,
        _ search: (ClosedRange<Int64>) throws(Failure) -> [RecordSummary]
    ) throws(Failure) -> FoundRecords {
        var found = FoundRecords()
        let clock = ContinuousClock()
        let deadline = clock.now + time
        var end = try last(.max)
        while let number = end {
            guard clock.now < deadline, found.records.count < limit else {
                found.isComplete = false
                break
            }
            let (difference, isBelow) = number.subtractingReportingOverflow(width - 1)
            let start = isBelow ? .min : difference
            found.records += try search(start...number)
            end = start == .min ? nil : try last(start - 1)
        }
        if found.records.count > limit { found.isComplete = false }
        found.records = found.records.prefix(limit).reversed()
        return found
    }
}
