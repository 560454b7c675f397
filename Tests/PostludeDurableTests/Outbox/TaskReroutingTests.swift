import Foundation
import Postlude
import PostludeSQLiteStore
import PostludeTaskStore
import Testing

@testable import PostludeDurable

@Suite("Rerouting") struct TaskReroutingTests {
    private struct Job: DurableTask {
        var number = 1
        func run(_ context: TaskContext) async throws {}
    }

    private struct Broken: Error {}

    private let folder: TaskStoreFolder

    init() throws { folder = try TaskStoreFolder() }

    /// A task of this kind that is in the task store.
    private func task(reroutedOn occasions: Set<TaskRerouting.Occasion>?) throws -> LocalDurableTask {
        let rerouting = occasions.map { TaskRerouting(to: TaskExecution(queue: "slow"), when: $0) }
        let kind = DurableTaskKind(Job.self, policy: DurablePolicy(rerouting: rerouting))
        var record = NewRecord(name: "Job", payload: try JSONEncoder().encode(Job()))
        record.id = .make(at: 0)
        let results = try folder.taskStore.append(NewRequest(id: "request", records: [record]))
        let task = LocalDurableTask(Job(), kind: kind, record: record)
        task.didPersist(
            results[0], as: record, of: TaskOrigin(requestID: "request", route: ""),
            in: TaskStoreAccess(taskStore: folder.taskStore, outbox: nil), runsHere: true)
        return task
    }

    private func record(_ task: LocalDurableTask) throws -> Record {
        let id = try #require(RecordID(task.id))
        return try #require(try folder.record(id))
    }

    @Test("An attempt's end moves a task on the occasions that its policy names") func occasions() throws {
        let cases:
            [(occasions: Set<TaskRerouting.Occasion>, isPastDeadline: Bool, isLast: Bool, isMoved: Bool)] = [
                ([.deadline], true, false, true), ([.deadline], false, true, false),
                ([.attempts], false, true, true),
                ([.attempts], true, false, false), ([.attempts], true, true, true),
                ([.shutdown], true, true, false),
                ([.deadline, .attempts], false, false, false),
            ]
        for (occasions, isPastDeadline, isLast, isMoved) in cases {
            let task = try task(reroutedOn: occasions)
            let queue = task.reroutingQueue(isPastDeadline: isPastDeadline, isLast: isLast)
            #expect(queue == (isMoved ? "slow" : nil), "\(occasions) \(isPastDeadline) \(isLast)")
        }
        #expect(try task(reroutedOn: nil).reroutingQueue(isPastDeadline: true, isLast: true) == nil)
    }

    @Test("What moves is to be published, with its id and its error") func moved() throws {
        let task = try task(reroutedOn: [.attempts])
        #expect(task.beginAttempt())
        task.ended(.moved(Broken(), to: "jobs"))
        let record = try record(task)
        #expect(record.state == .outgoing)
        #expect(record.queue == "slow")
        #expect(record.error == "Broken()")
    }

    @Test("At the end of the process a task moves or is left, as its policy says", arguments: [false, true])
    func shutdown(isRunning: Bool) throws {
        let end = isRunning ? AttemptResult.cutOff : .released(nil)
        let moving = try task(reroutedOn: [.shutdown])
        let staying = try task(reroutedOn: [.attempts])
        for task in [moving, staying] {
            if isRunning { #expect(task.beginAttempt()) }
            task.ended(end)
        }
        #expect(try record(moving).state == .outgoing)
        let stays = try record(staying)
        #expect(stays.state == (isRunning ? .running : .waiting))
        #expect((stays.owner == nil) == !isRunning, "what runs is nobody else's before this process is dead")
    }

    @Test("The engine says what its broker lacks") func problems() {
        func engine(_ policy: DurablePolicy, _ broker: TaskBroker? = nil) -> DurableEngine {
            DurableEngine(
                kinds: DurableTaskKinds([DurableTaskKind(Job.self, policy: policy)]), broker: broker)
        }
        let destination = TaskExecution(queue: "slow")
        #expect(engine(DurablePolicy()).problems.isEmpty)
        #expect(engine(DurablePolicy(runs: destination)).problems.count == 1)
        let problem = engine(DurablePolicy(rerouting: TaskRerouting(to: destination))).problems.first
        #expect(
            problem?.hasPrefix(
                "the durable task \"Job\" moves to the queue \"slow\", and the application has no") == true)
        #expect(
            engine(DurablePolicy(rerouting: TaskRerouting(to: .here))).problems
                == ["the durable task \"Job\" moves to .here, where it runs already; name a queue"])
    }
}
