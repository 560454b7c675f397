internal import FoundationEssentials
internal import Logging
public import Postlude
internal import PostludeSystem

extension TestApplication {
    /// Sends requests to the application again and again, with a death of the process at each point where something is written,
    /// sent or called, and checks a condition when everything is over (<doc:ExploringCrashes>).
    ///
    /// ```swift
    /// let app = try await TestApplication(Shop(), manifestAt: "routes.yaml")
    /// try await app.explore(.post("/orders", json: ["order": 7])) { process in
    ///     Shop(payments: TestPayments(process: process))
    /// } check: { app in
    ///     try app.expect("charge", times: 1)
    /// }
    /// ```
    ///
    /// The first run is the ordinary course. Then each of its points has a run in which the process dies there, and in which a call
    /// fails, or its answer is lost. Then there are runs with two such deviations, chosen by the seed. The next process starts with
    /// the files that the dead one has left, and time passes at once.
    ///
    /// - Parameters:
    ///   - requests: the requests that clients send, each until it has an answer.
    ///   - seed: chooses the schedules with several deviations. The same seed chooses the same ones.
    ///   - deviations: the largest number of deviations in a schedule.
    ///   - limit: the largest number of schedules with more than one deviation.
    ///   - start: makes the application of a process, with its files in the process's folder. By default a new one.
    ///   - check: the condition, which throws if it is not met.
    /// - Returns: what was tried.
    /// - Throws: ``ExplorationFailure`` if the condition is not met in one of the schedules; the error of `start`.
    @discardableResult
    public func explore(
        _ requests: TestRequest..., seed: UInt64 = 1, deviations: Int = 2, schedules limit: Int = 200,
        starting start: @escaping @Sendable (ExploredProcess) throws -> App = { _ in App() },
        check: @escaping @Sendable (ExploredApplication<App>) async throws -> Void
    ) async throws -> Exploration {
        let base = try ExploredFolders.make()
        // Files in memory, or in the system's temporary folder.
        defer { try? FileManager.default.removeItem(atPath: base) }
        let course = ExploredCourse(
            source: source, logger: logger, requests: requests, start: start, check: check, base: base)
        var search = ExplorationSearch(course, image: try course.makeImage(), seed: seed)
        return try await search.search(deviations: deviations, limit: limit)
    }
}

/// The schedules of an exploration, the shortest ones first.
private struct ExplorationSearch<App: Application> {
    private let course: ExploredCourse<App>
    private let image: String
    private var exploration: Exploration
    private var generator: SeededGenerator

    init(_ course: ExploredCourse<App>, image: String, seed: UInt64) {
        self.course = course
        self.image = image
        exploration = Exploration(seed: seed)
        generator = SeededGenerator(seed: seed)
    }

    mutating func search(deviations: Int, limit: Int) async throws -> Exploration {
        var schedules: [[ExploredRun.Deviation]] = [[]]
        var rest = limit
        for count in 0...max(0, deviations) {
            if count > 1 {
                schedules.shuffle(using: &generator)
                schedules.removeLast(max(0, schedules.count - rest))
                rest -= schedules.count
            }
            var longer: [[ExploredRun.Deviation]] = []
            for schedule in schedules { longer += try await run(schedule) }
            schedules = longer
        }
        return exploration
    }

    /// Runs a schedule.
    ///
    /// - Returns: the schedules with one more deviation.
    private mutating func run(_ schedule: [ExploredRun.Deviation]) async throws -> [[ExploredRun.Deviation]] {
        let run = ExploredRun(schedule, image: image, in: course.base)
        do {
            try await course.run(run)
        } catch {
            throw ExplorationFailure(
                seed: exploration.seed, schedule: run.deviations, course: run.lines, reason: error)
        }
        exploration.schedules.append(run.deviations)
        if case .death? = schedule.first?.alternative, schedule.count == 1 {
            exploration.points += run.deviations
        }
        let first = schedule.last.map { $0.event + 1 } ?? 0
        return run.events.enumerated().dropFirst(first).flatMap { index, event in
            event.alternatives.map { schedule + [ExploredRun.Deviation(event: index, alternative: $0)] }
        }
    }
}
