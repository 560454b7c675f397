/// The result of a retry or discard of a record.
package enum RecordActionResult: Sendable, Equatable {
    case changed
    /// There is no record with that id.
    case unknown
    /// The record is unchanged; the reason.
    case refused(String)

    /// The record is in a state in which it stays.
    package static func refused(in state: RecordState) -> RecordActionResult { .refused("it is \(state)") }

    /// A living process owns the record, and has not begun it.
    package static let refusedAsOwned = RecordActionResult.refused("a process is about to run it")

    /// The record has not run because of one before it.
    package static func refused(behind blocker: RecordSummary) -> RecordActionResult {
        let reason = blocker.state == .failed ? StopReason.failed : .expired
        return .refused("\(reason.error(behind: blocker)); retry that one, and this one runs after it")
    }

    /// Another record, which is not over, has the unique key.
    package static func refused(asKeyOf holder: RecordID) -> RecordActionResult {
        .refused("\(holder), with the same unique key, is not over")
    }
}
