import PostludeSystem

/// An application's actions, in order.
final class Diary: Sendable {
    private let pages = Lock<[String]>([])

    var entries: [String] { pages.withLock { $0 } }

    func write(_ entry: String) { pages.withLock { $0.append(entry) } }
}
