internal import ArgumentParser
internal import Postlude
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeTaskStore

struct TasksLimitsCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "limits",
            abstract: "Show the limits of the kinds, and the tasks that they hold back.",
            discussion: """
                A line for each value of the member by which a limit is divided, those with the most waiting tasks first. WAITING are \
                those that are due; LATER, those that wait for a time, or are paused.
                """)
    }

    @OptionGroup var options: TaskStoreOptions

    @Option(name: .long, help: "Only this kind.")
    var name: String?

    @Option(name: .long, help: "How many values of a kind at most.")
    var values = 20

    func validate() throws {
        guard (1...100_000).contains(values) else {
            throw ValidationError("--values is \(values), expected 1 to 100000")
        }
    }

    func run() throws {
        try options.withTaskStore(of: App.self) { taskStore in
            let limits = try AppliedLimits(of: App.self, options, in: taskStore)
            if let name, !limits.kinds.contains(name) {
                throw UnknownKind(name: name, known: limits.kinds.sorted())
            }
            let rows = try limits.all.filter { name == nil || $0.name == name }.flatMap { limit in
                let uses = try taskStore.uses(of: limit.record, key: nil, atMost: values)
                let unused = LimitUse(name: limit.name, key: "", running: 0, waiting: 0, later: 0, begun: 0)
                return (uses.isEmpty ? [unused] : uses).map { limit.row(of: $0) }
            }
            guard !rows.isEmpty else { return try printOutput("There is no limit.") }
            try printOutput(
                TextTable(
                    header: ["NAME", "LIMIT", "VALUE", "RUNNING", "BEGUN", "WAITING", "LATER"], rows: rows))
        }
    }
}

/// The limits that hold for the tasks in a task store, as a command knows them.
struct AppliedLimits {
    /// The names of the application's kinds.
    let kinds: Set<String>
    /// Ordered by name.
    let all: [AppliedLimit]

    init<App: Application>(
        of application: App.Type, _ options: TaskStoreOptions, in taskStore: any RecordStore
    ) throws {
        let engine = try DurableEngine.of(application)
        let manifest = options.taskStore == nil ? try options.manifest.load(for: application) : nil
        let kinds = manifest.map(engine.kinds.with) ?? engine.kinds
        var limits = kinds.all.compactMap { kind in
            kind.limit.map { AppliedLimit(name: kind.name, limit: $0) }
        }
        // Those of the manifest, if that was not read.
        for (name, member) in try taskStore.limitMembers() where !limits.contains(where: { $0.name == name })
        {
            limits.append(AppliedLimit(name: name, limit: TaskLimit(per: member)))
        }
        self.kinds = Set(kinds.all.map(\.name)).union(limits.map(\.name))
        all = limits.sorted { $0.name < $1.name }
    }

    /// Describes the limit of a task, and how it is used if the task waits; nil if it has none.
    func shown(for record: RecordSummary, in taskStore: any RecordStore) throws -> String? {
        guard let text = record.limitText else { return nil }
        guard record.state == .waiting, let key = record.limitKey,
            let limit = all.first(where: { $0.name == record.name }),
            let use = try taskStore.uses(of: limit.record, key: key, atMost: 1).first
        else { return text }
        let begun = limit.begun(use).map { "\($0) have begun, " } ?? ""
        return "\(text) (\(limit.text)): \(limit.running(use)) run, \(begun)\(use.waiting) wait"
    }
}

/// The limit of a kind.
struct AppliedLimit {
    let name: String
    let limit: TaskLimit

    var record: RecordLimit { limit.record(of: name) }

    /// The limit as people read it, such as `3 at once, 25/s, per customer`.
    var text: String {
        let parts = [
            limit.running.map { "\($0) at once" }, limit.rate.map { "\($0.count)/\($0.unit)" },
            limit.order == .strict ? "strict" : nil, limit.member.map { "per \($0)" },
        ]
        let text = parts.compactMap(\.self).joined(separator: ", ")
        return limit.isEffective
            ? text : [text, "set by a manifest"].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    func running(_ use: LimitUse) -> String {
        record.places.map { "\(use.running) of \($0)" } ?? "\(use.running)"
    }

    /// How many have begun within the rate's period; nil without a rate.
    func begun(_ use: LimitUse) -> String? {
        limit.rate.map { "\(use.begun) of \($0.count)" }
    }

    func row(of use: LimitUse) -> [String] {
        [
            name, text, use.key.isEmpty ? "-" : use.key, running(use), begun(use) ?? "-", "\(use.waiting)",
            "\(use.later)",
        ]
    }
}

extension TaskRate {
    /// The period as the manifest has it.
    fileprivate var unit: String {
        switch period {
        case .seconds(1): "s"
        case .seconds(60): "m"
        case .seconds(3600): "h"
        default: "\(period)"
        }
    }
}
