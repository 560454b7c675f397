internal import ArgumentParser
internal import FoundationEssentials
internal import Postlude
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeTaskStore

struct TasksAddCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "add", abstract: "Add a task, and print its id.",
            discussion: """
                The values are decoded as the application does it, and stored. A server takes the task within a second; without a \
                server it waits.
                """)
    }

    @OptionGroup var options: TaskStoreOptions

    @Argument(help: "The kind of the task.")
    var name: String

    @Argument(help: "The values of the task as JSON.")
    var values = "{}"

    @Option(
        name: .long,
        help: ArgumentHelp("The time after which the task runs, such as 10m.", valueName: "time"),
        transform: Self.duration)
    var after: Duration?

    @Option(name: .long, help: "The unique key. If a task that is not over has it, none is added.")
    var unique: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The time after which the task does not begin, such as 1h.", valueName: "time"),
        transform: Self.duration)
    var expiry: Duration?

    @Option(
        name: .long, help: ArgumentHelp("high, normal or low; by default the kind's.", valueName: "priority"),
        transform: { text in
            guard let priority = DurablePriority.allCases.first(where: { "\($0)" == text }) else {
                throw ValidationError("there is no priority \(text), only high, normal and low")
            }
            return priority
        })
    var priority: DurablePriority?

    private static func duration(_ text: String) throws -> Duration {
        guard let duration = DurationText.duration(text) else {
            throw ValidationError("\(quoted(text)) is not \(DurationText.expectation)")
        }
        return duration
    }

    func run() throws {
        try reportingErrors {
            let engine = try DurableEngine.of(App.self)
            let manifest = options.taskStore == nil ? try options.manifest.load(for: App.self) : nil
            let store = engine.visitorStore(at: try options.place(for: App.self), manifest)
            defer { store.close() }
            let kind = try store.kinds.named(name)
            let enqueue = EnqueueOptions(
                delay: after, key: unique, expiry: expiry, priority: priority)
            var record = try kind.record(
                GivenValues(values).payload(of: kind), enqueue, from: "tasks add", check: store.check)
            // The manifest was not read, which may limit the kind.
            if manifest == nil, record.limitKey == nil, record.queue == nil,
                let member = try store.use({ try $0.limitMembers() })[kind.name]
            {
                record.limitKey = TaskLimit(per: member).key(of: record.payload) ?? ""
            }
            let request = NewRequest(id: record.id?.text ?? "tasks add", records: [record])
            guard let result = try store.use({ try $0.appendSeparately(request) }).first else { return }
            if case .exists(let other) = result {
                printError("\(programName): the task \(other.id), which is \(other.state), has the key")
            }
            try printOutput(result.id.text)
        }
    }
}

extension DurableTaskKinds {
    /// Returns a kind that a command names.
    ///
    /// - Throws: ``UnknownKind``, which names the nearest kind.
    func named(_ name: String) throws -> DurableTaskKind {
        guard let kind = self[name] else { throw UnknownKind(name: name, known: all.map(\.name)) }
        return kind
    }
}

/// A kind that the application does not have.
struct UnknownKind: Error, CustomStringConvertible {
    let name: String
    let known: [String]

    var description: String {
        let near = nearest(to: name, in: known).map { " (nearest: \($0))" } ?? ""
        let all = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
        return "there is no kind of durable tasks called \(quoted(name))\(near); the application has \(all)"
    }
}

/// The values of a task as a command has them.
struct GivenValues {
    private let text: String

    init(_ text: String) { self.text = text }

    /// Returns the values as they are stored.
    ///
    /// - Throws: ``WrongValues``, which names the member that is wrong.
    func payload(of kind: DurableTaskKind) throws -> Data {
        let given = Data(text.utf8)
        do {
            let payload = try StoredValues.encode(kind.decode(given))
            try check(given, against: payload, of: kind)
            return payload
        } catch let error as DecodingError {
            let wrong = UndecodableValue(error)
            let member = wrong.member.map { "`\($0)`" } ?? "the task"
            throw WrongValues(kind: kind.name, reason: "\(member) \(wrong.reason)")
        }
    }

    /// Refuses members that the kind does not have, which are likely to be misspelt.
    private func check(_ given: Data, against payload: Data, of kind: DurableTaskKind) throws {
        guard let members = try? JSONDecoder().decode([String: JSONValue].self, from: given),
            let taken = try? JSONDecoder().decode([String: JSONValue].self, from: payload)
        else { return }
        for member in members.keys.sorted() where taken[member] == nil && members[member] != .null {
            let near = nearest(to: member, in: taken.keys.sorted()).map { " (nearest: \($0))" } ?? ""
            throw WrongValues(
                kind: kind.name, reason: "it has no member `\(member)`\(near)")
        }
    }
}

/// Values that are not those of a kind.
struct WrongValues: Error, CustomStringConvertible {
    let kind: String
    let reason: String

    var description: String { "these are not the values of the durable task \(kind): \(reason)" }
}
