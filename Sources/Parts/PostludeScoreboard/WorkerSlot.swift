package import PostludeSystem
import Synchronization

/// A worker's own slot, which shows what the worker is doing.
///
/// Only the worker's thread writes to it. A worker without a place on the scoreboard writes to memory that is never
/// read.
package final class WorkerSlot: Sendable {
    private let words: SharedWords
    private let process: ProcessSlot
    /// The index of the slot's place on the scoreboard; nil if no place was free.
    private let place: Int?

    /// - Parameter number: the worker's number on status pages.
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

    /// Records the beginning of a request. `request` is the web server's id for it; empty if it is not known.
    package func begin(
        method: ArraySlice<UInt8>, target: ArraySlice<UInt8>, request: ArraySlice<UInt8>,
        at now: MonotonicTime
    ) {
        write {
            // These texts are still those of the last request.
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

    /// Counts how long the request has waited before it began.
    package func countWait(_ duration: Duration) { process.count(requestWaiting: duration) }

    /// Records the request's route, when it is known.
    package func handle(route: String, handler: String) {
        write {
            words.write(route, at: Layout.Worker.route)
            words.write(handler, at: Layout.Worker.handler)
        }
    }

    package func set(_ state: WorkerState, at now: MonotonicTime) {
        words.publish(Layout.Worker.state, UInt64(clamping: now.nanoseconds) << 3 | state.rawValue)
    }

    /// Counts the request, whose response is finished.
    ///
    /// - Returns: the request's duration.
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

    /// Records the duration of a request that another thread has answered in the worker's place. That thread counts the
    /// request.
    package func drop(after duration: Duration) {
        words[Layout.Worker.lastNanoseconds] = UInt64(clamping: duration.saturatedNanoseconds)
    }

    /// Records that the worker is free for the next request, unless it already is.
    package func becomeIdle(at now: MonotonicTime) {
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

    /// Records the beginning of a task. Its request need not be the last one that the worker has served.
    ///
    /// - Parameter remaining: the number of the request's tasks after it.
    package func run(task: String, of request: ShownRequest, remaining: Int, at now: MonotonicTime) {
        write {
            words.write(task, at: Layout.Worker.task)
            request.method.withUnsafeBytes { words.write($0, at: Layout.Worker.method) }
            request.target.withUnsafeBytes { words.write($0, at: Layout.Worker.target) }
            words.write(request.route, at: Layout.Worker.route)
            words.write(request.handler, at: Layout.Worker.handler)
            words.write(request.id, at: Layout.Worker.request)
        }
        words[Layout.Worker.lastNanoseconds] = UInt64(clamping: request.duration.saturatedNanoseconds)
        words[Layout.Worker.tasksLeft] = UInt64(clamping: remaining)
        becomeBusy(.tasks, at: now)
    }

    /// Writes text as a sequence lock does: if a reader finds an odd sequence number, or another one after reading, the
    /// text is inconsistent.
    @inline(__always)
    private func write(_ body: () -> Void) {
        let sequence = words[Layout.Worker.sequence] | 1
        words[Layout.Worker.sequence] = sequence
        atomicMemoryFence(ordering: .releasing)
        body()
        words.publish(Layout.Worker.sequence, sequence &+ 1)
    }
}

/// The request of a task, which is over, as it is shown with the task; what is not known is empty.
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

/// What a worker is doing.
package enum WorkerState: UInt64, Sendable, CaseIterable {
    case idle
    /// The worker's handler waits for a piece of the body.
    case reading
    case handling
    case writing
    /// The response is finished.
    case tasks

    /// The text on status pages.
    package var label: String { "\(self)" }
    package var isBusy: Bool { self != .idle }
}
