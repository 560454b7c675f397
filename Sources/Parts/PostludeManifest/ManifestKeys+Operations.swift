/// `listen`.
enum ListenKey: String, ManifestKey {
    case address
    case owner
    case group
    case mode
    case backlog
    case allow
    case allowUsers = "allow-users"

    static let mapping = "`listen`"
}

/// `processes`.
enum ProcessesKey: String, ManifestKey {
    case count
    case maxRequests = "max-requests"
    case maxMemory = "max-memory"
    case watchdog

    static let mapping = "`processes`"
}

/// `overload`.
enum OverloadKey: String, ManifestKey {
    case whenBusy = "when-busy"
    case wait
    case retryAfter = "retry-after"

    static let mapping = "`overload`"
}

/// `status`.
enum StatusKey: String, ManifestKey {
    case listen
    case owner
    case group
    case mode
    case steering

    static let mapping = "`status`"
}

/// `access` in `log`.
enum AccessKey: String, ManifestKey {
    case to
    case format

    static let mapping = "`access`"
}
