package import FoundationEssentials

/// How an attempt of a record has ended, or why there is none.
package enum RecordEnd: Sendable {
    /// - result: JSON text.
    case done(result: Data?)
    /// Another attempt follows, by the process that claims it then.
    case again(error: String, at: Date)
    /// Another attempt follows, by the process that has it.
    case retrying(error: String)
    /// It becomes a dead letter.
    case failed(error: String)
    /// It becomes a dead letter because one before it has not succeeded: that one's id, if it is in the task store.
    case stopped(by: RecordID?, error: String)
    case expired
    case discarded
    /// It goes to a broker's queue, with the same id.
    case moved(queue: String, reason: String?)
    /// It was not begun, or not finished, and is for the process that claims it.
    case left
}
