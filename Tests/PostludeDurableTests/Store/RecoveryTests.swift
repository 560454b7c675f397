import Foundation
import Postlude
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("Recovery") final class RecoveryTests {
    private struct Job: DurableTask {
        func run(_ context: TaskContext) async throws {}
    }

    private let folder: TaskStoreFolder
    private let workers = Workers()
    private let log = LogLines()
    private let recovery: Recovery

    init() throws {
        folder = try TaskStoreFolder()
        let access = TaskStoreAccess(taskStore: folder.taskStore, outbox: nil)
        let kinds = DurableTaskKinds([DurableTaskKind(Job.self)])
        recovery = try Recovery(
            access, kinds: { kinds },
            schedules: Schedules(in: access, kinds: { kinds }, logger: log.logger), dispatch: workers,
            logger: log.logger, limit: 2, keep: .seconds(3600), keepFailed: .seconds(3600))
    }

    deinit { recovery.stop() }

    /// Persists a request that no process has.
    private func leave(_ request: String, _ names: [String] = ["Job"]) throws -> [RecordID] {
        var new = NewRequest(
            id: request, route: "/r",
            records: names.map { NewRecord(name: $0, payload: Data("{}".utf8)) })
        new.runsHere = false
        return try folder.taskStore.append(new).map(\.id)
    }

    private func waitUntil(_ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(60)
        while try !condition() {
            try #require(ContinuousClock.now < end, "\(workers.requests) \(log.lines)")
            usleep(2_000)
        }
    }

    @Test("Workers have no more requests at a time than the limit, and get the next one when one is over")
    func limit() throws {
        for number in 1...3 { _ = try leave("request \(number)") }
        try recovery.start()
        try waitUntil { workers.requests.count == 2 }
        #expect(workers.requests == ["request 1: Job", "request 2: Job"])
        // It has looked again by then.
        recovery.wake()
        let later = try leave("request 4")[0]
        #expect(try folder.record(later)?.owner == nil)
        #expect(workers.requests.count == 2)
        workers.endFirst()
        try waitUntil { workers.requests.count == 3 }
        #expect(workers.requests.last == "request 3: Job")
        #expect(try folder.record(later)?.owner == nil)
    }

    @Test("A request's tasks come together, in their order") func order() throws {
        let ids = try leave("r", ["Job", "Job", "Job"])
        try recovery.start()
        try waitUntil { !workers.requests.isEmpty }
        #expect(workers.requests == ["r: Job, Job, Job"])
        #expect(workers.firstIDs == ids.map(\.text))
    }

    @Test("A record whose kind the program does not have stays for another one, with its reason")
    func unknown() throws {
        let ids = try leave("r", ["Other", "Job"])
        try recovery.start()
        try waitUntil { try folder.record(ids[0])?.error != nil }
        let other = try #require(try folder.record(ids[0]))
        #expect(other.state == .waiting)
        #expect(other.owner == nil)
        #expect(other.due > Date(timeIntervalSinceNow: 30))
        #expect(other.error == "no durable task is called Other")
        try waitUntil { workers.requests == ["r: Job"] }
        #expect(log.lines.contains { $0.hasPrefix("error a durable task does not run") })
    }

    @Test("After the workers are closed it takes nothing") func closed() throws {
        workers.close()
        let id = try leave("r")[0]
        try recovery.start()
        recovery.stop()
        #expect(try folder.record(id)?.owner == nil)
        #expect(workers.requests.isEmpty)
    }
}

/// Takes tasks, and runs none.
private final class Workers: TaskDispatching {
    private struct State {
        var requests: [(text: String, ids: [String], onCompletion: @Sendable () -> Void)] = []
        var ended = 0
        var isClosed = false
    }

    private let state = Lock(State())

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Those that were posted, with their tasks.
    var requests: [String] { state.withLock { $0.requests.map(\.text) } }

    var firstIDs: [String] { state.withLock { $0.requests.first?.ids ?? [] } }

    func close() { state.withLock { $0.isClosed = true } }

    /// The tasks of the first request that has not ended are over.
    func endFirst() {
        let onCompletion = state.withLock { state in
            defer { state.ended += 1 }
            return state.requests[state.ended].onCompletion
        }
        onCompletion()
    }

    func post(
        _ tasks: [any PersistedTask], of origin: TaskOrigin, onCompletion: @escaping @Sendable () -> Void
    ) {
        let text = "\(origin.requestID): \(tasks.map(\.name).joined(separator: ", "))"
        state.withLock { $0.requests.append((text, tasks.map(\.id), onCompletion)) }
    }
}
