internal import Logging
internal import PostludeFastCGI
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeScoreboard
internal import PostludeSystem

/// Sheds load when every worker is busy and the pool cannot grow: hands connections over to other processes, and refuses
/// requests that have waited too long. Used by the control thread.
final class LoadShedder {
    private let server: ServerContext
    private let buffer = ReadBuffer()
    private let matcher: RouteMatcher?
    private var pauseEnd: MonotonicTime?
    private var pause = LoadShedder.shortestPause

    private static let shortestPause: Duration = .milliseconds(5)
    private static let longestPause: Duration = .milliseconds(40)

    init(_ server: ServerContext) {
        self.server = server
        matcher = try? RouteMatcher()
    }

    /// Whether load can be shed at all. Otherwise requests wait until a worker is free.
    var isPossible: Bool { server.poller.hasSiblings || server.settings.overload.policy == .refuse }

    /// Whether the control thread pauses between two rounds. Waiting events keep the poller readable, so it would spin
    /// otherwise.
    var isPaused: Bool { pauseEnd.map { $0 > .now } ?? false }

    private var isRecent: Bool { pauseEnd.map { $0 + pause > .now } ?? false }

    /// Returns how long the control thread may sleep, at most `milliseconds`.
    func tickMilliseconds(_ milliseconds: Int32) -> Int32 {
        let isNeeded = isPaused || server.poller.hasWaitingRequests
        return isNeeded ? min(milliseconds, Int32(pause / .milliseconds(1))) : milliseconds
    }

    /// Hands ready connections over to other processes, or, with `when-busy: refuse`, reads the waiting requests, so that
    /// they can be refused in time.
    func shed() {
        // The pause doubles, as long as the workers stay busy.
        pause = isRecent ? min(pause * 2, Self.longestPause) : Self.shortestPause
        pauseEnd = .now + pause
        guard !server.poller.isAnyWorkerWaiting, !server.poller.isAnyWorkerParked else { return }
        let generation = server.generations.current
        guard generation.settings.overload.policy == .refuse, let matcher else {
            return server.poller.handOverReady()
        }
        server.poller.collectWaiting(reading: buffer, within: generation.settings.overload.wait) { head in
            RouteMatch(of: head, by: generation, using: matcher).bodyPolicy
        }
    }

    /// Answers 503 to the requests that have waited too long.
    func refuse(at now: MonotonicTime) {
        guard server.poller.hasWaitingRequests else { return }
        let refusal = ShortResponse.serviceUnavailable(
            retryAfter: server.settings.overload.retryAfter, format: .init(server.errorFormat))
        for _ in 0..<server.poller.refuseWaiting(at: now, with: refusal) {
            server.ends.count("refused with 503: every worker was busy")
        }
    }
}
