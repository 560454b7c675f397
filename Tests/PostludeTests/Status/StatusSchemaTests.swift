import Foundation
import PostludeSystem
import Testing

@testable import Postlude
@testable import PostludeScoreboard

/// Holds the JSON Schema of the status socket to what the server answers. `StatusTests` compares it with answers of a server
/// by another implementation.
@Suite("The schema of the status pages")
struct StatusSchemaTests {
    private struct Inspector: TaskInspector {
        let library = "SQLite"

        func report() throws -> StoredTaskReport {
            var kind = StoredTaskReport.Kind(name: "Job")
            (kind.failed, kind.unreadable) = (1, 2)
            var report = StoredTaskReport(
                names: [kind], oldestAge: 5, oldestWaitingAge: 4, deadLetters: [Self.letter])
            report.pauses = [.init(name: "Job", key: "a", id: "1", since: 1_800_000_000, who: "ada")]
            report.actions = [Self.action]
            return report
        }

        static let action = StoredTaskReport.Action(
            time: 1_800_000_000, who: "ada", action: "retry", target: "1", result: "1 changed")

        static let letter = StoredTaskReport.DeadLetter(
            id: "1", name: "Job", attempts: 3, error: "gone", ended: 1_800_000_000)

        func deadLetters(after: Int64?, limit: Int) throws -> DeadLetterPage {
            let isFirst = after == nil
            return DeadLetterPage(
                deadLetters: isFirst ? Array(repeating: Self.letter, count: limit) : [],
                next: isFirst ? 7 : nil)
        }

        /// A task in which nothing is absent.
        func find(_ id: String) throws -> FoundTasks {
            var task = FoundTasks.Task(
                id: id, name: "Job", state: "failed", request: "r", position: 0, priority: "normal",
                attempts: 3, deaths: 1, added: 1, due: 2)
            (task.expires, task.started, task.ended) = (3, 4, 5)
            (task.route, task.key, task.queue, task.limit) = ("/", "k", "q", "its kind's")
            (task.error, task.stoppedBy, task.values, task.result) = ("gone", "2", "{}", "7")
            task.progress = FoundTasks.Progress(fraction: 0.5, message: "half")
            task.failures = [FoundTasks.Failure(attempt: 1, started: 1, error: "gone")]
            (task.steps, task.actions) = (["mail"], [Self.action])
            var found = FoundTasks()
            found.tasks = [task]
            return found
        }

        func perform(
            _ action: TaskAction, on target: String, key: String?, by who: String
        ) throws -> TaskActionResult {
            .changed
        }
    }

    /// A report in which nothing is absent.
    private func report() throws -> StatusReport {
        let board = try Scoreboard(program: "shop", processes: 2, workers: 2, isShared: false)
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        let inspector = TaskInspectionPages(Inspector(), allowsActions: true, logger: RecordedLog().logger)
        let source = StatusSource(board, application: nil, manager: "supervisor", storedTasks: inspector)
        source.sample()
        let worker = try process.takeWorker()
        worker.begin(method: [71], target: [47], request: [49], at: .now)
        for status in [100, 200, 302, 404, 500] {
            process.count(
                CountedAnswer(status: status, route: CountedRoute("/")), taking: .milliseconds(5))
        }
        process.count(requestWaiting: .seconds(1))
        process.count(task: "mail", waiting: .seconds(1))
        for outcome in TaskOutcome.allCases { process.count(outcome, task: "mail", taking: .seconds(1)) }
        var counts = TaskCounts()
        (counts.queued, counts.forWorker, counts.oldest) = (2, 1, .now)
        // The clock begins when the machine is started, perhaps only minutes ago.
        counts.oldestWaiting = WaitingTask(since: .now + .seconds(-60), reason: .worker)
        process.set(connections: 1, tasks: counts)
        board.note(endOf: 5, signal: 9, status: 0)
        source.sample()
        process.set(generation: 2)
        source.sample()
        var report = source.report(history: .init())
        (report.listenQueue, report.maxListenQueue, report.listenQueueLen) = (0, 0, 0)
        report.storedTasks?.error = "gone"
        report.processes[0].processorShare = 0.5
        report.user = "ada"
        return report
    }

    private func schema() throws -> [String: Any] {
        let data = Data(StatusReport.schema.utf8)
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// Compares a value with a schema. Notes the members that were there.
    private func check(
        _ value: Any, _ schema: [String: Any], in definitions: [String: Any], at path: String,
        _ seen: inout Set<String>, name: String = ""
    ) throws {
        if let reference = (schema["$ref"] ?? (schema["allOf"] as? [[String: Any]])?.first?["$ref"])
            as? String
        {
            let name = String(reference.dropFirst("#/definitions/".count))
            let definition = try #require(definitions[name] as? [String: Any], "\(path): \(name)")
            return try check(value, definition, in: definitions, at: path, &seen, name: name)
        }
        if let texts = schema["enum"] as? [String] {
            #expect(texts.contains(value as? String ?? ""), "\(path) is \(value)")
            return
        }
        switch schema["type"] as? String {
        case "object":
            let object = try #require(value as? [String: Any], "\(path)")
            let properties = try #require(schema["properties"] as? [String: [String: Any]], "\(path)")
            for key in schema["required"] as? [String] ?? [] {
                #expect(object[key] != nil, "\(path) has no \(key)")
            }
            for (key, member) in object {
                let property = try #require(properties[key], "\(path) has \(key)")
                seen.insert("\(name).\(key)")
                let inner = property["properties"] == nil ? "" : "\(name).\(key)"
                try check(member, property, in: definitions, at: "\(path).\(key)", &seen, name: inner)
            }
        case "array":
            let item = try #require(schema["items"] as? [String: Any], "\(path)")
            for element in try #require(value as? [Any], "\(path)") {
                let inner = item["properties"] == nil ? "" : "\(name)[]"
                try check(element, item, in: definitions, at: path + "[]", &seen, name: inner)
            }
        case "string": #expect(value is String, "\(path)")
        case "integer":
            #expect(
                (value as? NSNumber).map { $0.doubleValue.rounded() == $0.doubleValue } == true, "\(path)")
        case "number": #expect(value is NSNumber, "\(path)")
        case "boolean": #expect(value is Bool, "\(path)")
        case let type: Issue.record("\(path): \(type ?? "no type")")
        }
    }

    @Test("It describes each member of each answer, and no other")
    func members() throws {
        let definitions = try #require(try schema()["definitions"] as? [String: [String: Any]])
        var seen: Set<String> = []
        let pages = TaskInspectionPages(Inspector(), allowsActions: true, logger: RecordedLog().logger)
        let letters = try pages.deadLetters(inGroup: nil, after: nil)
        var search = StatusSearch("1", AccessLogSearch(nil), pages, seesValues: true)
        search.accessLog.lines = ["GET /"]
        search.error = "gone"
        for (name, answer) in [
            ("report", try JSONEncoder().encode(report())),
            ("dead letters", try JSONEncoder().encode(letters)),
            ("search", try JSONEncoder().encode(search)),
        ] {
            let value = try JSONSerialization.jsonObject(with: answer)
            try check(
                value, ["$ref": "#/definitions/\(name)"], in: definitions, at: name, &seen)
        }
        for (name, definition) in definitions {
            for key in (definition["properties"] as? [String: Any] ?? [:]).keys {
                #expect(seen.contains("\(name).\(key)"), "no answer has \(name).\(key)")
            }
        }
    }

    @Test("A search for a task leads to its request; who may not see values, gets none")
    func search() {
        let pages = TaskInspectionPages(Inspector(), allowsActions: true, logger: RecordedLog().logger)
        let seen = StatusSearch("1", AccessLogSearch(nil), pages, seesValues: true)
        #expect(
            seen.request == "r" && seen.tasks.map(\.values) == ["{}"] && seen.tasks.map(\.result) == ["7"])
        let hidden = StatusSearch("1", AccessLogSearch(nil), pages, seesValues: false)
        #expect(hidden.tasks.map(\.values) == [nil] && hidden.tasks.map(\.result) == [nil])
        #expect(hidden.tasks.map(\.error) == ["gone"])
        #expect(StatusSearch("1", AccessLogSearch(nil), nil, seesValues: true).tasks.isEmpty)
    }

    @Test("Its lists of names are those of the code, and everything is described")
    func names() throws {
        let definitions = try #require(try schema()["definitions"] as? [String: [String: Any]])
        func names(_ definition: String, _ key: String) throws -> [String] {
            let properties = definitions[definition]?["properties"] as? [String: [String: Any]]
            return try #require(properties?[key]?["enum"] as? [String])
        }
        #expect(try names("problem", "kind") == StatusProblem.Kind.allCases.map(\.rawValue))
        #expect(try Set(names("mark", "kind")) == Set(StatusReport.Mark.Kind.allCases.map(\.rawValue)))
        #expect(try Set(names("worker", "state")) == Set(WorkerState.allCases.map(\.label)))
        #expect(
            try Set(names("process", "state"))
                == Set(ProcessState.allCases.filter { $0 != .free }.map(\.label)))
        for (name, definition) in definitions {
            #expect((definition["description"] as? String)?.isEmpty == false, "\(name)")
        }
    }
}
