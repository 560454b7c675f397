/// What can be known of how another process has ended.
package enum ProcessEnd: Sendable, Equatable {
    /// Such as `signal 4`.
    case known(String)
    /// It will be known in a moment: its parent has not seen it yet.
    case pending
    case unknown
}
