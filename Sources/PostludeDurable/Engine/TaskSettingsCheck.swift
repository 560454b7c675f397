internal import FoundationEssentials
internal import Postlude
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeTaskStore

/// A check of a manifest's `durable-tasks` and `schedules` against the application's kinds.
struct TaskSettingsCheck {
    let kinds: DurableTaskKinds
    let broker: TaskBroker?

    /// Returns the mistakes in the order of the file.
    func mistakes(in manifest: Manifest) -> [Diagnostic] {
        let all =
            manifest.durableTasks.flatMap { mistakes(in: $0) }
            + manifest.schedules.flatMap { mistakes(in: $0, of: manifest) }
        let start = SourcePosition(line: 0, column: 0)
        return all.sorted { ($0.location.position ?? start) < ($1.location.position ?? start) }
    }

    // MARK: Policies

    private func mistakes(in settings: Manifest.DurableTask) -> [Diagnostic] {
        guard let kind = kinds[settings.kind] else { return [unknown(settings.kind, at: settings.location)] }
        let executions = [settings.runs, settings.rerouting?.destination].compactMap { $0 }
        return executions.compactMap { execution in
            execution.queue.flatMap { mistake(ofQueue: $0, at: execution.location) }
        } + mistakes(inLimit: settings.limit, of: kind, with: settings)
    }

    private func mistakes(
        inLimit limit: Manifest.DurableTask.Limit, of kind: DurableTaskKind,
        with settings: Manifest.DurableTask
    ) -> [Diagnostic] {
        guard let location = limit.location else { return [] }
        let policy = kind.policy.with(settings)
        if let queue = policy.runs.queue {
            let message = """
                the durable task \(quoted(kind.name)) runs at the queue \(quoted(queue)), expected no `running`, `per`, `rate` or \
                `order`, which limit tasks that run here
                """
            return [Diagnostic(location: location, message: message)]
        }
        guard let member = limit.member else { return [] }
        guard policy.limit != nil else {
            let message =
                "`per` alone limits nothing, expected `running`, `rate` or `order: strict` beside it"
            return [Diagnostic(location: member.location, message: message)]
        }
        return LimitMember(of: kind, called: member.value).problem.map {
            [Diagnostic(location: member.location, message: $0)]
        } ?? []
    }

    private func mistake(ofQueue queue: String, at location: SourceLocation) -> Diagnostic? {
        guard let broker else {
            return Diagnostic(
                location: location,
                message: """
                    the application's taskEngine has no broker, expected no queue, or an engine made by \
                    .durable(through: .celery)
                    """)
        }
        return broker.parts.problem(ofQueue: queue).map {
            Diagnostic(location: location, message: "the queue \(quoted(queue)): \($0)")
        }
    }

    private func unknown(_ kind: String, at location: SourceLocation) -> Diagnostic {
        let found = "unknown durable task \(quoted(kind))"
        let near = nearest(to: kind, in: kinds.all.map(\.name))
        let message =
            near.map { "\(found) (nearest: \($0)), expected one that the application's taskEngine names" }
            ?? "\(found): the application's taskEngine names none"
        return Diagnostic(location: location, message: message)
    }

    // MARK: Schedules

    private func mistakes(in schedule: Manifest.Schedule, of manifest: Manifest) -> [Diagnostic] {
        var mistakes: [Diagnostic] = []
        do throws(ScheduleMistake) {
            _ = try CronExpression(schedule)
        } catch {
            mistakes.append(Diagnostic(location: error.location, message: error.message))
        }
        guard let kind = kinds.with(manifest)[schedule.task.value] else {
            return mistakes + [unknown(schedule.task.value, at: schedule.task.location)]
        }
        return mistakes + self.mistakes(inArgumentsOf: schedule, for: kind)
    }

    private func mistakes(inArgumentsOf schedule: Manifest.Schedule, for kind: DurableTaskKind)
        -> [Diagnostic]
    {
        let arguments = schedule.arguments
        do {
            let payload = try kind.payload(of: arguments)
            let superfluous = superfluous(in: arguments, of: kind, payload: payload)
            guard superfluous.isEmpty, let broker, let queue = kind.policy.runs.queue else {
                return superfluous
            }
            let record = kind.record(payload, at: Date())
            try broker.parts.check(OutgoingTask(record, of: schedule.name), for: queue)
            return []
        } catch let error as DecodingError {
            return [mistake(error, in: arguments, of: kind)]
        } catch {
            return [
                Diagnostic(
                    location: arguments.location, message: "the task \(kind.name) cannot be made: \(error)")
            ]
        }
    }

    /// Reports arguments that the kind does not have, which are likely to be misspelt.
    private func superfluous(in arguments: Manifest.Value, of kind: DurableTaskKind, payload: Data)
        -> [Diagnostic]
    {
        guard case .mapping(let entries) = arguments.content,
            let taken = try? JSONDecoder().decode([String: Anything].self, from: payload)
        else { return [] }
        return entries.compactMap { entry in
            guard entry.value.content != .null, taken[entry.key] == nil else { return nil }
            let near = nearest(to: entry.key, in: taken.keys.sorted()).map { " (nearest: \($0))" } ?? ""
            let message =
                "unknown argument \(quoted(entry.key))\(near), expected those of the durable task \(kind.name)"
            return Diagnostic(location: entry.value.location, message: message)
        }
    }

    private func mistake(_ error: DecodingError, in arguments: Manifest.Value, of kind: DurableTaskKind)
        -> Diagnostic
    {
        func report(_ path: [any CodingKey], _ message: (_ name: String, _ value: Manifest.Value) -> String)
            -> Diagnostic
        {
            let value = arguments[at: path.map(Manifest.Value.Step.init)]
            let name = path.isEmpty ? "arguments" : path.map(\.stringValue).joined(separator: ".")
            return Diagnostic(location: value.location, message: message("`\(name)`", value))
        }
        switch error {
        case .keyNotFound(let key, let context):
            return report(context.codingPath) { name, _ in
                "\(name) has no `\(key.stringValue)`, which the durable task \(kind.name) needs"
            }
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            return report(context.codingPath) { name, value in
                "found \(value) for \(name), expected \(UndecodableValue.noun(type)) for the durable task \(kind.name)"
            }
        case .dataCorrupted(let context):
            return report(context.codingPath) { name, value in
                "found \(value) for \(name) of the durable task \(kind.name): \(context.debugDescription)"
            }
        @unknown default:
            return report([]) { _, _ in "the task \(kind.name) cannot be made: \(error)" }
        }
    }

    /// Any JSON value.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }
}

extension Manifest.Value.Step {
    fileprivate init(_ key: any CodingKey) {
        let index = UndecodableValue.isIndex(key) ? key.intValue : nil
        self = index.map { .index($0) } ?? .key(key.stringValue)
    }
}
