import Foundation
import Postlude
import PostludeManifest
import PostludeTaskStore
import Testing

@testable import PostludeBroker
@testable import PostludeCelery
@testable import PostludeDurable

@Suite("The broker") struct TaskBrokerTests {
    private struct Job: DurableTask {
        var number: Int
        func run(_ context: TaskContext) async throws {}
    }

    private func manifest(_ celery: String) throws -> Manifest {
        try Manifest.parse(
            "\(celery)\nroutes: [{ path: /, method: GET, handler: home }]\n", file: "routes.yaml",
            handlers: ["home"],
            environment: [:])
    }

    private func mistakes(_ celery: String) throws -> [String] {
        CeleryParts().mistakes(in: try manifest(celery)).map(\.description)
    }

    @Test("The manifest's addresses are read, and passwords are not shown") func addresses() throws {
        #expect(try mistakes("celery: { broker: 'amqp://u:secret@h//', results: 'redis://h/1' }").isEmpty)
        #expect(try mistakes("").isEmpty)
        let port = try mistakes("celery: { broker: 'amqp://u:secret@h:x/' }")
        #expect(port.count == 1)
        #expect(
            port.first?.hasPrefix(
                "routes.yaml:1:19: the broker's URL amqp://u:…@h:x/ has a port that is not a number") == true)
        #expect(
            try mistakes("celery: { broker: 'redis://h', results: 'amqp://u:secret@h' }")
                == [
                    "routes.yaml:1:41: `results` is amqp://u@h:5672, expected a Redis URL such as redis://localhost:6379/1"
                ])
    }

    @Test("A queue needs a name that both brokers accept") func queues() {
        #expect(CeleryParts().problem(ofQueue: "images") == nil)
        #expect(CeleryParts().problem(ofQueue: "") != nil)
        #expect(CeleryParts().problem(ofQueue: "a\nb") != nil)
    }

    private func outgoing(_ name: String, _ payload: String) -> OutgoingTask {
        var record = NewRecord(name: name, payload: Data(payload.utf8))
        record.id = .make(at: 0)
        record.priority = .low
        record.notBefore = Date(timeIntervalSince1970: 2_000_000_000)
        return OutgoingTask(record, of: "r-1")
    }

    @Test("A durable task's members become named arguments with the same text") func durable() throws {
        let message = try CeleryMessage(outgoing("Job", #"{"big":123456789012345678901234567890}"#))
        #expect(message.task == "Job")
        #expect(message.arguments == "[]")
        #expect(message.keywordArguments == #"{"big":123456789012345678901234567890}"#)
        #expect(message.priority == .low)
        #expect(message.eta == Date(timeIntervalSince1970: 2_000_000_000))
        #expect(message.headers["request_id"] == .text("r-1"))
    }

    @Test(
        "A task that is not an object, or has no name, cannot be sent, and the error says why",
        arguments: [
            (
                "Job", "[1]",
                "the durable task Job encodes as an array, but a task for a queue must encode as an object"
            ),
            ("Job", "7", "encodes as a number"), ("Job", "\"a\"", "encodes as a string"),
            ("a b", "{}", "headers.task"), ("Job", #"{"__type__":1,"__value__":2}"#, "kombu"),
        ])
    func refused(name: String, payload: String, reason: String) {
        #expect {
            try CeleryParts().check(outgoing(name, payload), for: "q")
        } throws: { error in
            guard let error = error as? TaskBrokerError else { return false }
            return error.remedy == .message && error.description.contains(reason)
        }
    }

    @Test("Celery's states are translated to Postlude's") func results() {
        func result(_ status: CeleryResult.Status) -> TaskBrokerResult? {
            TaskBrokerResult(
                CeleryResult(
                    id: "a", status: status, result: "7", failure: .init(type: "ValueError", message: "no")))
        }
        #expect(result(.pending) == nil)
        #expect(result(.retry) == TaskBrokerResult(.running))
        #expect(result(.success) == TaskBrokerResult(.done, result: Data("7".utf8)))
        #expect(result(.failure) == TaskBrokerResult(.failed, error: "ValueError: no"))
        #expect(result(.revoked)?.state == .dropped)
    }
}
