/// What a worker is at.
package enum WorkerState: UInt64, Sendable, CaseIterable {
    case idle
    /// Its handler waits for a piece of the body.
    case reading
    case handling
    case writing
    /// The response is finished.
    case tasks

    /// As status pages show it.
    package var label: String { "\(self)" }
    package var isBusy: Bool { self != .idle }
}
