import Foundation
import Postlude
import Testing

@testable import PostludeBroker
@testable import PostludeCelery
@testable import PostludeDurable

@Suite("A received task") struct ReceivedTaskTests {
    private struct Failure: Error {}

    private struct Job: DurableTask {
        static let policy = DurablePolicy(retry: RetryPolicy(attempts: 7))
        func run(_ context: TaskContext) async throws {}
    }

    private struct Hasty: DurableTask {
        static let policy = DurablePolicy(deadline: .seconds(2))
        func run(_ context: TaskContext) async throws {}
    }

    private func received<Task: DurableTask>(
        _ task: Task, expires: Date? = nil, timeLimit: CeleryMessage.TimeLimit = .init()
    ) throws -> ReceivedTask {
        var message = CeleryMessage(task: Task.name, id: "id-1", arguments: "[]", keywordArguments: "{}")
        message.expires = expires
        message.timeLimit = timeLimit
        return ReceivedTask(
            task, kind: DurableTaskKind(Task.self),
            from: try IncomingTask(envelope: message.redisMessage(to: "q").envelope))
    }

    private func outcome(after result: AttemptResult) throws -> String {
        let task = try received(Job())
        task.ended(result)
        return switch task.outcome {
        case .done: "done"
        case .failed: "failed"
        case .expired: "expired"
        case .discarded: "discarded"
        case .released: "released"
        }
    }

    @Test("It has the message's id, and its kind's name and retries") func identity() throws {
        let task = try received(Job())
        #expect(task.id == "id-1")
        #expect(task.name == "Job")
        #expect(task.retry.attempts == 7)
        #expect(task.arguments.first is Job)
    }

    @Test("The kind's deadline stands before the sender's time limit") func deadline() throws {
        let limit = CeleryMessage.TimeLimit(hard: 30, soft: 20)
        #expect(try received(Job()).deadline == nil)
        #expect(try received(Job(), timeLimit: limit).deadline == .seconds(20))
        #expect(try received(Hasty(), timeLimit: limit).deadline == .seconds(2))
    }

    @Test("Until an attempt has ended it is for the next consumer") func pending() throws {
        let task = try received(Job())
        #expect(task.beginAttempt())
        guard case .released = task.outcome else {
            Issue.record("\(task.outcome)")
            return
        }
    }

    @Test("After its time it does not begin") func expired() throws {
        let task = try received(Job(), expires: Date(timeIntervalSinceNow: 3600))
        #expect(task.beginAttempt())
        let late = try received(Job(), expires: Date(timeIntervalSinceNow: -1))
        #expect(!late.beginAttempt())
        guard case .expired = late.outcome else {
            Issue.record("\(late.outcome)")
            return
        }
    }

    @Test("What an attempt's result means for the message") func results() throws {
        #expect(try outcome(after: .done) == "done")
        #expect(try outcome(after: .failed(Failure())) == "failed")
        #expect(try outcome(after: .moved(Failure(), to: "q")) == "failed")
        #expect(try outcome(after: .discarded("no")) == "discarded")
        for result: AttemptResult in [
            .postponed(Failure(), for: .seconds(1), counts: false),
            .retried(Failure(), after: .seconds(1)), .released(nil), .released(Failure()), .dropped, .cutOff,
            .stopped(by: "other", id: nil),
        ] {
            #expect(try outcome(after: result) == "released")
        }
    }
}
