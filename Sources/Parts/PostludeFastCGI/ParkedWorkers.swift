import PostludeSystem
import Synchronization

/// The workers that do not wait for events, because enough others do.
///
/// A call wakes the worker that has parked last, and no other one. So the same few workers are called again and again, and keep
/// their caches warm; the others are idle until they end.
final class ParkedWorkers: Sendable {
    enum Outcome: Sendable {
        case called, nothing, stopped
    }

    /// The place of one worker, with a condition of its own. It gets an outcome after it was taken from `places`.
    private final class Place: Sendable {
        let outcome = ConditionLock<Outcome?>(nil)
    }

    private struct State {
        /// The places of the workers that can be called, in the order in which they have parked.
        var places: [Place] = []
        var unused: [Place] = []
        var isStopped = false
    }

    private let state = Lock(State())
    private let parked = Atomic<Int>(0)

    /// The number of parked workers, with those that are called and not awake yet.
    var count: Int { parked.load(ordering: .sequentiallyConsistent) }

    /// Parks the calling worker until it is called, until a time, or until all workers are to stop.
    ///
    /// - Parameters:
    ///   - end: nil for no limit.
    ///   - isNeeded: called when the worker can be called already; if it returns true, the worker does not wait. The caller
    ///     checks again here what has made it park.
    func park(until end: MonotonicTime?, unless isNeeded: () -> Bool) -> Outcome {
        parked.add(1, ordering: .sequentiallyConsistent)
        defer { parked.subtract(1, ordering: .sequentiallyConsistent) }
        let place: Place? = state.withLock { state in
            guard !state.isStopped else { return nil }
            let place = state.unused.popLast() ?? Place()
            state.places.append(place)
            return place
        }
        guard let place else { return .stopped }
        if isNeeded(), leave(place) { return .called }
        let isOver = place.outcome.wait { outcome -> ConditionLock<Outcome?>.Step<Bool> in
            if outcome != nil { return .stop(true) }
            if let end, end <= .now { return .stop(false) }
            return .wait(until: end)
        }
        if !isOver, leave(place) { return .nothing }
        return takeOutcome(of: place)
    }

    /// Calls the worker that has parked last. Does nothing if there is none.
    func call() {
        guard count > 0, let place = state.withLock({ $0.places.popLast() }) else { return }
        end(place, .called)
    }

    /// Ends the parking of all workers, now and from now on.
    func stop() {
        let places = state.withLock { state in
            state.isStopped = true
            defer { state.places = [] }
            return state.places
        }
        for place in places { end(place, .stopped) }
    }

    private func end(_ place: Place, _ outcome: Outcome) {
        place.outcome.withLock { $0 = outcome }
        place.outcome.signal()
    }

    /// - Returns: false if the worker was called or stopped before.
    private func leave(_ place: Place) -> Bool {
        state.withLock { state in
            guard let index = state.places.lastIndex(where: { $0 === place }) else { return false }
            state.unused.append(state.places.remove(at: index))
            return true
        }
    }

    /// Returns the outcome of a place that another thread has taken, and gives the place back.
    private func takeOutcome(of place: Place) -> Outcome {
        let outcome = place.outcome.wait { outcome -> ConditionLock<Outcome?>.Step<Outcome> in
            defer { outcome = nil }
            return outcome.map { .stop($0) } ?? .wait(until: nil)
        }
        state.withLock { $0.unused.append(place) }
        return outcome
    }
}
