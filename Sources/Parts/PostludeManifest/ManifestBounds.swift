/// The bounds of the manifest's values. The schema has the same bounds if JSON Schema can express them.
enum ManifestBounds {
    static let processes = 1...1024
    static let requests = 1...1_000_000_000
    /// The bounds of `max-memory`, in bytes. A process that needs more than its limit would be replaced again and again.
    static let memory = 1 << 20...ByteCountText.maximum
    /// The bounds of `max-answers`, in bytes.
    static let answers = 1 << 20...ByteCountText.maximum
    /// The bounds of `backlog`. Linux limits it further, to net.core.somaxconn.
    static let backlog = 1...65535
    static let workers = 1...4096
    static let reservedForRequests = 0...4095
    static let attempts = 1...1000
    /// The bounds of the tasks of a kind that run at once.
    static let running = 1...100_000
    /// The bounds of the tasks of a kind that begin within a time.
    static let rate = 1...1_000_000
    static let factor = 1.0...100
    static let jitter = 0.0...1
    /// The bounds of counts in `status.problems`.
    static let problems = 1...1_000_000_000
    static let queuedTasks = 1...1_000_000
    /// The bounds of `event-streams`. A process has at most 65,536 connections.
    static let eventStreams = 1...60_000
    /// The bounds of a head, in bytes. A web server's own parameters take up to about 1 KiB, and each connection may hold one
    /// head.
    static let head = 1 << 10...960 << 10
    static let body = 0...ByteCountText.maximum
    /// The lower bound of times other than the grace period, which can be zero.
    static let time: Duration = .milliseconds(1)
    static let grace: Duration = .zero
    /// The lower bound of `watchdog`, well above the interval of the heartbeat, which a process sends once a second.
    static let watchdog: Duration = .seconds(3)
    /// The largest number of lists and mappings that are nested in each other.
    static let depth = 100
    /// The largest size of the manifest's file, in bytes.
    static let fileSize = 8 << 20
}
