/// What the values of a manifest may be; the schema says the same where it can.
enum ManifestBounds {
    static let processes = 1...1024
    static let requests = 1...1_000_000_000
    /// Less than any process needs would replace it for ever.
    static let memory = 1 << 20...ByteCountText.maximum
    /// Linux cuts it to net.core.somaxconn.
    static let backlog = 1...65535
    static let workers = 1...4096
    static let reservedForRequests = 0...4095
    static let attempts = 1...1000
    static let factor = 1.0...100
    static let jitter = 0.0...1
    static let queuedTasks = 1...1_000_000
    /// libfcgi's own buffers make less than a KiB useless; it gets a head through a pipe, which holds at most
    /// a MiB.
    static let head = 1 << 10...960 << 10
    static let body = 0...ByteCountText.maximum
    /// A time that something may take; only the grace period can be nothing.
    static let time: Duration = .milliseconds(1)
    static let grace: Duration = .zero
    /// A process beats once a second.
    static let watchdog: Duration = .seconds(3)
    /// Of the file itself.
    static let fileSize = 8 << 20
}
