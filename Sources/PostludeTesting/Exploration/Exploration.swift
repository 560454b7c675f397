public import Postlude

/// What ``TestApplication/explore(_:seed:deviations:schedules:starting:check:)`` has tried.
public struct Exploration: Sendable, Equatable {
    /// The seed.
    public let seed: UInt64
    /// The schedules, in the order in which they were tried: what has happened in each of them apart from the ordinary course.
    public internal(set) var schedules: [[String]] = []
    /// The moments of the ordinary course at which the process died in one of the schedules.
    public internal(set) var points: [String] = []
}

/// An application does not keep its promise in one of the schedules of an exploration.
public struct ExplorationFailure: Error, Sendable, CustomStringConvertible {
    /// The seed by which the exploration finds the same schedule again.
    public let seed: UInt64
    /// What happens apart from the ordinary course. No shorter schedule of the exploration has failed.
    public let schedule: [String]
    /// Everything that happens.
    public let course: [String]
    /// The error of the condition.
    public let reason: any Error

    public var description: String {
        let what =
            schedule.isEmpty
            ? ["It happens in the ordinary course."]
            : ["The shortest schedule that leads to it (seed \(seed)):"] + schedule.map { "- \($0)" }
        return (["\(reason)"] + what + ["Everything that happens:"] + course.map { "  \($0)" })
            .joined(separator: "\n")
    }
}

/// An application after the last event of a schedule, for the condition that must hold then.
public struct ExploredApplication<App: Application>: Sendable {
    private let app: TestApplication<App>
    /// The last process, which is alive.
    public let process: ExploredProcess
    /// The answer to each request, in their order; nil if the client got none and gave up.
    public let responses: [TestResponse?]
    /// The tasks that have failed for good, in all processes.
    public let failures: [TaskFailure]
    /// What the services outside have done, in this order.
    public let calls: [OutsideCall]

    init(
        app: TestApplication<App>, process: ExploredProcess, responses: [TestResponse?],
        failures: [TaskFailure], calls: [OutsideCall]
    ) {
        self.app = app
        self.process = process
        self.responses = responses
        self.failures = failures
        self.calls = calls
    }

    /// The application in the last process.
    public var application: App { app.application }

    /// The answer to the first request.
    public var response: TestResponse? { responses.first ?? nil }

    /// Sends a request to the last process. The process does not die.
    ///
    /// - Throws: as ``TestApplication/send(_:)``.
    public func send(_ request: TestRequest) async throws -> TestResponse { try await app.send(request) }

    /// Returns what a service has done: a call with a key that it knows has had no further effect.
    public func calls(to service: String) -> [OutsideCall] { calls.filter { $0.service == service } }

    /// Expects that a service has done something this number of times.
    ///
    /// - Throws: ``UnmetExpectation``.
    public func expect(_ service: String, times: Int) throws {
        let count = calls(to: service).count
        try expect(
            count == times,
            "\(service) has happened \(Self.text(of: count)), and should have happened \(Self.text(of: times))"
        )
    }

    /// Expects that a condition is true.
    ///
    /// - Parameters:
    ///   - condition: what should be true.
    ///   - message: what is wrong if it is not.
    /// - Throws: ``UnmetExpectation``.
    public func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw UnmetExpectation(description: message()) }
    }

    private static func text(of count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}

/// A condition of an exploration that is not met.
public struct UnmetExpectation: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let description: String
}
