package import PostludeSystem
import Synchronization

/// A worker's own slot: what it is at.
///
/// Only the worker's thread writes to it. A worker without a place on the scoreboard writes to memory that is never read.
package final class WorkerSlot: Sendable {
    private let words: SharedWords
    private let process: ProcessSlot
    /// nil for one that is not shown.
    private let place: Int?

    /// - Parameter number: what status pages call the worker.
    init(_ words: SharedWords, of process: ProcessSlot, place: Int?, number: Int, at now: MonotonicTime) {
        self.words = words
        self.process = process
        self.place = place
        words[Layout.Worker.startedNanoseconds] = UInt64(clamping: now.nanoseconds)
        words[Layout.Worker.requestsBefore] = words[Layout.Worker.requests]
        set(.idle, at: now)
        words.publish(Layout.Worker.number, UInt64(clamping: number))
    }

    deinit {
        if !isIdle { process.becameIdle() }
        words.publish(Layout.Worker.number, 0)
        if let place { process.giveBack(place) }
    }

    // MARK: The course of a request

    /// The worker has a request. The web server's name for it may not be known: then `request` is empty.
    package func begin(
        method: ArraySlice<UInt8>, target: ArraySlice<UInt8>, request: ArraySlice<UInt8>,
        at now: MonotonicTime
    ) {
        write {
            // The rest of the text is the last request's.
            words[Layout.Worker.route.lowerBound] = 0
            words[Layout.Worker.handler.lowerBound] = 0
            words[Layout.Worker.task.lowerBound] = 0
            method.withUnsafeBytes { words.write($0, at: Layout.Worker.method) }
            target.withUnsafeBytes { words.write($0, at: Layout.Worker.target) }
            request.withUnsafeBytes { words.write($0, at: Layout.Worker.request) }
        }
        words[Layout.Worker.requestStarted] = UInt64(clamping: now.nanoseconds)
        becomeBusy(.handling, at: now)
    }

    /// The request's route is known.
    package func handle(route: String, handler: String) {
        write {
            words.write(route, at: Layout.Worker.route)
            words.write(handler, at: Layout.Worker.handler)
        }
    }

    package func set(_ state: WorkerState, at now: MonotonicTime) {
        words.publish(Layout.Worker.state, UInt64(clamping: now.nanoseconds) << 3 | state.rawValue)
    }

    /// The response is finished: counts the request.
    ///
    /// - Returns: how long it took.
    @discardableResult
    package func finish(_ answer: CountedAnswer, at now: MonotonicTime) -> Duration {
        let (span, isNegative) = UInt64(clamping: now.nanoseconds).subtractingReportingOverflow(
            words[Layout.Worker.requestStarted])
        let nanoseconds = isNegative ? 0 : span
        let duration = Duration.nanoseconds(Int64(clamping: nanoseconds))
        words[Layout.Worker.lastNanoseconds] = nanoseconds
        guard place != nil else {
            process.count(answer, taking: duration)
            return duration
        }
        words.increase(Layout.Worker.requests)
        words.increase(Layout.Worker.requestNanoseconds, by: nanoseconds)
        words.increase(Layout.Worker.requestTimes + LatencyHistogram.bucket(nanoseconds: nanoseconds))
        process.count(answer, nanoseconds: nanoseconds)
        return duration
    }

    /// The request was answered in the worker's place, by another thread, which counts it.
    package func drop(after duration: Duration) {
        words[Layout.Worker.lastNanoseconds] = UInt64(clamping: duration.saturatedNanoseconds)
    }

    /// The worker is free for the next request, if it was not already.
    package func rest(at now: MonotonicTime) {
        guard !isIdle else { return }
        set(.idle, at: now)
        process.becameIdle()
    }

    private var isIdle: Bool { words[Layout.Worker.state] & 7 == WorkerState.idle.rawValue }

    private func becomeBusy(_ state: WorkerState, at now: MonotonicTime) {
        if isIdle { process.becameBusy() }
        set(state, at: now)
    }

    // MARK: Tasks

    /// A task begins. Its request need not be the one that the worker has served last.
    ///
    /// - Parameter left: how many of the request's tasks are after it.
    package func run(task: String, of request: ShownRequest, left: Int, at now: MonotonicTime) {
        write {
            words.write(task, at: Layout.Worker.task)
            request.method.withUnsafeBytes { words.write($0, at: Layout.Worker.method) }
            request.target.withUnsafeBytes { words.write($0, at: Layout.Worker.target) }
            words.write(request.route, at: Layout.Worker.route)
            words.write(request.handler, at: Layout.Worker.handler)
            words.write(request.id, at: Layout.Worker.request)
        }
        words[Layout.Worker.lastNanoseconds] = UInt64(clamping: request.duration.saturatedNanoseconds)
        words[Layout.Worker.tasksLeft] = UInt64(clamping: left)
        becomeBusy(.tasks, at: now)
    }

    /// A reader that sees an odd number, or another one afterwards, knows that the text is not of one piece.
    @inline(__always)
    private func write(_ body: () -> Void) {
        let sequence = words[Layout.Worker.sequence] | 1
        words[Layout.Worker.sequence] = sequence
        atomicMemoryFence(ordering: .releasing)
        body()
        words.publish(Layout.Worker.sequence, sequence &+ 1)
    }
}

/// A request that is over, as a row shows it with its task; what is not known of it is empty.
package struct ShownRequest: Sendable {
    let method: ArraySlice<UInt8>
    let target: ArraySlice<UInt8>
    let route: String
    let handler: String
    let id: String
    let duration: Duration

    package init(
        method: ArraySlice<UInt8>, target: ArraySlice<UInt8>, route: String, handler: String, id: String,
        duration: Duration
    ) {
        self.method = method
        self.target = target
        self.route = route
        self.handler = handler
        self.id = id
        self.duration = duration
    }
}

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
