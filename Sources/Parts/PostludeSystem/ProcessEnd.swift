/// How another process has ended, as far as that is known.
package enum ProcessEnd: Sendable, Equatable {
    /// Such as `signal 4`.
    case known(String)
    /// Known in a moment: its parent has not seen it yet.
    case pending
    case unknown
}
