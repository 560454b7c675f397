/// The result of a change of a record on request.
package enum RecordActionResult: Sendable, Equatable {
    case changed
    /// The process that has the record is told to change it.
    case requested
    /// There is no record with that id.
    case unknown
    /// The record is unchanged; the reason.
    case refused(String)

    /// The record is in a state in which it stays.
    package static func refused(in state: RecordState) -> RecordActionResult { .refused("it is \(state)") }

    /// A living process owns the record, and has not begun it.
    package static let refusedAsOwned = RecordActionResult.refused("a process is about to run it")

    package static let refusedAsPaused = RecordActionResult.refused("it is paused already")
    package static let refusedAsNotPaused = RecordActionResult.refused("it is not paused")

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
