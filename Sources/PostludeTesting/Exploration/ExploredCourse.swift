internal import FoundationEssentials
internal import HTTPTypes
internal import Logging
internal import Postlude
internal import PostludeSystem

/// Runs an application once by a schedule: its processes one after the other, the clients that send requests, and time.
///
/// The ordinary course: the requests are sent one after the other, each when the tasks of the one before are over. After a death
/// the next process does what is left; then a client that has got no answer repeats its request.
struct ExploredCourse<App: Application>: Sendable {
    let source: OfflineWorker.ManifestSource
    let logger: Logger
    let requests: [TestRequest]
    let start: @Sendable (ExploredProcess) throws -> App
    let check: @Sendable (ExploredApplication<App>) async throws -> Void
    /// The folder of the folders of processes.
    let base: String

    /// How often a client sends a request without getting an answer, before it gives up.
    private static var patience: Int { 5 }

    /// What the clients know.
    private struct Client {
        var answer: TestResponse?
        var sends = 0
        var hasRepeated = false

        /// Whether the answer is one after which a client repeats its request.
        var isWaiting: Bool {
            guard let answer else { return sends < patience }
            return sends < patience && (answer.status.code >= 500 || answer.headers[.retryAfter] != nil)
        }
    }

    private enum Action {
        case step(Int)
        case send(Int)
        case rest
    }

    /// Makes the files of an application that was never started: its tables, and those of durable tasks.
    func makeImage() throws -> String {
        let empty = base + "/empty"
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: false)
        let run = ExploredRun([], image: empty, in: base)
        run.end()
        let process = ExploredProcess(1, in: try run.begin(1), of: run)
        try TestApplication(try start(process), source, logger: logger, in: process).openStore()
        let image = base + "/image"
        try ExploredFolders.copy(process.folder, to: image)
        return image
    }

    /// - Throws: the error of the condition, or one of the run itself.
    func run(_ run: ExploredRun) async throws {
        var clients = requests.map { _ in Client() }
        var failures: [TaskFailure] = []
        var processes: [ExploredProcess] = []
        defer { for process in processes { process.release() } }
        while true {
            let number = processes.count + 1
            let process = ExploredProcess(number, in: try run.begin(number), of: run)
            processes.append(process)
            let life = Life(process: process, run: run, course: self)
            let app = try await life.live(&clients, &failures)
            guard !run.isEndless else { throw EndlessRun() }
            guard let app else { continue }
            run.end()
            return try await check(
                ExploredApplication(
                    app: app, process: process, responses: clients.map(\.answer), failures: failures,
                    calls: run.calls))
        }
    }

    /// The life of one process.
    private struct Life {
        let process: ExploredProcess
        let run: ExploredRun
        let course: ExploredCourse

        /// - Returns: the application when nothing is left to do; nil if the process has died.
        func live(
            _ clients: inout [Client], _ failures: inout [TaskFailure]
        ) async throws -> TestApplication<App>? {
            let started = try await part { [process, course] in
                let app = try TestApplication(
                    try course.start(process), course.source, logger: course.logger, in: process)
                try app.openStore()
                try await app.application.start()
                return app
            }
            guard let app = started else { return nil }
            var queues: [TestTasks] = []
            while true {
                for queue in queues where queue.queued.isEmpty { failures += queue.failures }
                queues.removeAll { $0.queued.isEmpty }
                if queues.isEmpty {
                    guard let due = try await due(in: app, isIdle: !clients.contains { $0.isWaiting }) else {
                        return nil
                    }
                    queues = due
                }
                let action = next(queues, clients)
                switch action {
                case .rest: return app
                case .step(let index):
                    let queue = queues.remove(at: index)
                    queues.insert(queue, at: 0)
                    guard try await part({ try await queue.runNext() }) != nil else { return nil }
                case .send(let index):
                    let request = course.requests[index]
                    if clients[index].answer != nil { clients[index].hasRepeated = true }
                    clients[index].sends += 1
                    run.note("a client sends \(request.line)")
                    guard let response = try await part({ try await app.send(request) }) else { return nil }
                    clients[index].answer = response
                    queues.append(response.tasks)
                }
            }
        }

        /// Returns the tasks that are due and that no request has.
        ///
        /// - Parameter isIdle: whether nothing else is left to do, so that time passes until the next task is due.
        /// - Returns: nil if the process has died.
        private func due(in app: TestApplication<App>, isIdle: Bool) async throws -> [TestTasks]? {
            guard let due = try await part({ try await app.dueTasks() }) else { return nil }
            guard due.isEmpty, isIdle else { return due }
            return try await part { try await app.dueTasks(skippingDelays: true) }
        }

        /// Chooses what comes next.
        private func next(_ queues: [TestTasks], _ clients: [Client]) -> Action {
            var actions = queues.indices.map { Action.step($0) }
            var texts = queues.map { "\($0.queued.first?.name ?? "a task") runs" }
            // One client after the other: the first one that waits.
            if let index = clients.firstIndex(where: { $0.isWaiting }) {
                actions.append(.send(index))
                texts.append("a client sends \(course.requests[index].line)")
            }
            if actions.isEmpty {
                actions.append(.rest)
                texts.append("")
            }
            for (index, client) in clients.enumerated()
            where client.answer != nil && !client.isWaiting && !client.hasRepeated {
                actions.append(.send(index))
                texts.append(
                    "the answer is lost on its way, and the client repeats \(course.requests[index].line)")
            }
            return actions[run.choose(texts)]
        }

        /// Calls a part of the process's life.
        ///
        /// - Returns: nil if the process has died, whose code goes on waiting.
        private func part<Value: Sendable>(
            _ body: @escaping @Sendable () async throws -> Value
        ) async throws -> Value? {
            try await withCheckedThrowingContinuation { continuation in
                let first = FirstResult(continuation)
                run.onDeath { first.resume(.success(nil)) }
                Task {
                    do {
                        first.resume(.success(try await body()))
                    } catch {
                        first.resume(.failure(error))
                    }
                }
            }
        }
    }
}

extension TestRequest {
    /// The request in words.
    fileprivate var line: String { "\(method.rawValue) \(target)" }
}

/// Resumes a continuation once.
private final class FirstResult<Value: Sendable>: Sendable {
    private let continuation: Lock<CheckedContinuation<Value?, any Error>?>

    init(_ continuation: CheckedContinuation<Value?, any Error>) {
        self.continuation = Lock(continuation)
    }

    func resume(_ result: Result<Value?, any Error>) {
        let continuation = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        continuation?.resume(with: result)
    }
}

/// A run that does not come to an end.
private struct EndlessRun: Error, CustomStringConvertible {
    var description: String { "the application does not come to an end: it does something again and again" }
}
