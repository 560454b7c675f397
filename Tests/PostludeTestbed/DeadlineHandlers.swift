import Foundation
import Postlude
import Synchronization

struct Endless: Decodable {
    var gate: String?
    var name: String?
}

/// Continues until its request is cancelled, and then still responds.
func untilCancelled(request: Request, tasks: BackgroundTasks) -> Response {
    EventLog.write("handling", to: "started")
    tasks.add(report, "not thrown")
    tasks.add(when: .failure, report, "failure")
    tasks.add(when: .always, report, "always")
    while !request.isCancelled { usleep(1_000) }
    EventLog.write("cancelled", to: "handlers")
    return .text("nobody reads this")
}

/// Does not check whether it is cancelled.
func stubborn(query: Query<Endless>, request: Request, tasks: BackgroundTasks) throws -> Response {
    let name = query.value.name ?? "stubborn"
    tasks.add(report, "not thrown")
    tasks.add(when: .always, report, "always")
    EventLog.write("\(name) \(UInt(pthread_self()))", to: "started")
    let rounds = try turnInCircles(until: query.value.gate)
    EventLog.write("\(name) \(UInt(pthread_self())) cancelled: \(request.isCancelled)", to: "handlers")
    return .text(String(repeating: "\(name) \(rounds)\n", count: 10_000))
}

/// The function that a stack must show, in the program and not in the kernel.
@inline(never)
func turnInCircles(until gate: String?) throws -> Int {
    let end = Date().addingTimeInterval(30)
    var rounds = 0
    while access(gate ?? "never", F_OK) != 0 {
        if Date() > end { throw Gate.StayedClosed(name: gate ?? "never") }
        // Nearly all of the time is spent here: a library without frame pointers hides its caller. The optimizer would remove
        // a loop that only counts.
        let turns = Atomic(0)
        while turns.add(1, ordering: .relaxed).newValue < 5_000_000 {}
        rounds += 1
    }
    return rounds
}

/// Waits in async code, which learns of its cancellation by an error.
func untilCancelledAsync(
    request: Request, tasks: BackgroundTasks, dependency: Dependency<DeadlineDependency>
) async throws -> Response {
    tasks.add(when: .always, report, "always")
    EventLog.write("handling", to: "started")
    do {
        try await Task.sleep(for: .seconds(3600))
    } catch {
        EventLog.write("\(type(of: error)) \(Task.isCancelled) \(request.isCancelled)", to: "handlers")
        throw error
    }
    return .text("nobody reads this")
}

/// Async code whose reaction to its cancellation lasts until `gate` opens.
func hardToCancel(query: Query<Endless>) async throws -> Response {
    let gate = query.value.gate
    EventLog.write("handling", to: "started")
    try await withTaskCancellationHandler {
        try await Task.sleep(for: .seconds(3600))
    } onCancel: {
        EventLog.write("cancelling", to: "handlers")
        while access(gate ?? "", F_OK) != 0 { usleep(1_000) }
    }
    return .text("nobody reads this")
}

/// Reads the body piece by piece, as slowly as it arrives.
func readSlowly(body: BodyStream, request: Request) throws -> Response {
    EventLog.write("handling", to: "started")
    var count = 0
    do {
        while let piece = try body.read() { count += piece.count }
    } catch {
        EventLog.write("\(type(of: error)) after \(count) \(request.isCancelled)", to: "handlers")
        throw error
    }
    return .text("\(count)")
}

struct DeadlineDependency: RequestDependency {
    init(request: Request) async throws { EventLog.write("acquired", to: "dependencies") }
    func release() async throws { EventLog.write("released", to: "dependencies") }
}

extension Testbed {
    @HandlersBuilder var deadlineHandlers: Handlers {
        Handler("until-cancelled", untilCancelled)
        Handler("until-cancelled-async", untilCancelledAsync)
        Handler("hard-to-cancel", hardToCancel)
        Handler("stubborn", stubborn)
        Handler("read-slowly", readSlowly)
        Handler("stubborn-task") { (query: Query<Endless>, tasks: BackgroundTasks) in
            let gate = query.value.gate
            tasks.add(named: "circling") { EventLog.write("\(try turnInCircles(until: gate) > 0)") }
            tasks.add(report, "behind")
        }
        Handler("slow-stream") { (query: Query<Endless>) -> Response in
            let gate = query.value.gate
            let pieces = AsyncStream<[UInt8]> { continuation in
                Task {
                    continuation.yield(Array("first ".utf8))
                    try await Gate.waitAsync(gate)
                    continuation.yield(Array("second".utf8))
                    continuation.finish()
                }
            }
            return .stream(pieces)
        }
    }
}
