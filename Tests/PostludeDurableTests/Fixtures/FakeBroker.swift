import Postlude
import PostludeSystem
import PostludeTaskStore

@testable import PostludeDurable

/// A broker whose behavior a test sets.
final class FakeBroker: OpenTaskBroker {
    struct State {
        /// The error of each attempt to connect.
        var absence: TaskBrokerError?
        /// The error of publishing a task, by the task's name.
        var refusals: [String: TaskBrokerError] = [:]
        /// Whether the next publish finds its connection closed.
        var endsConnection = false
        var taken: [(queue: String, name: String)] = []
        var connections = 0
    }

    let state = Lock(State())
    let name = "fake://broker"

    var taken: [String] { state.withLock { $0.taken.map { "\($0.queue): \($0.name)" } } }
    var connections: Int { state.withLock { $0.connections } }

    func check(_ task: OutgoingTask, for queue: String) throws {}

    func connect() throws(TaskBrokerError) -> any TaskBrokerConnection {
        let absence = state.withLock { state in
            state.connections += 1
            return state.absence
        }
        if let absence { throw absence }
        return FakeConnection(self)
    }

    func result(of id: String) throws -> TaskBrokerResult? { nil }
}

final class FakeConnection: TaskBrokerConnection {
    private let broker: FakeBroker
    private(set) var isClosed = false

    init(_ broker: FakeBroker) { self.broker = broker }

    func publish(_ task: OutgoingTask, to queue: String) throws(TaskBrokerError) {
        let (refusal, isEnded) = broker.state.withLock { state in
            defer { state.endsConnection = false }
            let refusal = state.refusals[task.name]
            if refusal == nil, !state.endsConnection { state.taken.append((queue, task.name)) }
            return (refusal, state.endsConnection)
        }
        if isEnded {
            isClosed = true
            throw TaskBrokerError(.retry, "the connection has ended")
        }
        if let refusal { throw refusal }
    }

    func keepAlive() throws(TaskBrokerError) {}
    func close() { isClosed = true }
}
