/// An attempt that has ended because its process was told to stop, or because the machine did. It does not count as one of the
/// record's attempts, and it is no death.
package enum RecordInterruption {
    /// The number of interruptions that makes a record a dead letter. It is far above that of any sane record: it ends one that
    /// never finishes before its process is replaced.
    package static let limit = 100

    /// The error of such a dead letter.
    package static let error = "its process was told to stop during each of \(limit) attempts"
}
