/// Decoding of `durable-tasks`.
extension ManifestDecoder {
    func durableTasks(_ node: Node) -> [Manifest.DurableTask] {
        let name = "`durable-tasks`"
        let expected = "the name of a durable task"
        return reader.entries(node, in: name, each: expected, expected: "a mapping of durable tasks' names")
            .map { entry in
                var task = Manifest.DurableTask(entry.name, location: location(of: entry.key))
                durableTask(entry.value, into: &task)
                return task
            }
    }

    private func durableTask(_ node: Node, into task: inout Manifest.DurableTask) {
        guard let keys = reader.mapping(node, keys: DurableTaskKey.self, name: DurableTaskKey.mapping) else {
            return
        }
        task.attempts = keys[.attempts].flatMap {
            reader.integer($0, for: "`attempts`", in: ManifestBounds.attempts)
        }
        task.factor = keys[.factor].flatMap { reader.number($0, for: "`factor`", in: ManifestBounds.factor) }
        task.jitter = keys[.jitter].flatMap { reader.number($0, for: "`jitter`", in: ManifestBounds.jitter) }
        let delay = keys[.delay].flatMap { reader.duration($0, for: "`delay`", atLeast: .zero) }
        let maximum = keys[.maximumDelay].flatMap {
            reader.duration($0, for: "`maximum-delay`", atLeast: ManifestBounds.time)
        }
        if let node = keys[.delay], let delay, let maximum, delay > maximum {
            let bound = DurationText.text(of: maximum)
            reader.reportMismatch(node, for: "`delay`", expected: "at most `maximum-delay` (\(bound))")
        }
        (task.delay, task.maximumDelay) = (delay, maximum)
        task.deadline = keys[.deadline].flatMap {
            reader.duration($0, for: "`deadline`", atLeast: ManifestBounds.time)
        }
        task.expiry = keys[.expiry].flatMap {
            reader.duration($0, for: "`expiry`", atLeast: ManifestBounds.time)
        }
        task.priority = keys[.priority].flatMap { reader.choice($0, for: "`priority`") }
        task.runs = keys[.runs].flatMap(execution)
        task.rerouting = keys[.rerouting].flatMap(rerouting)
        task.limit = limit(keys)
    }

    /// Decodes the keys that limit the tasks of a kind.
    private func limit(_ keys: MappingReader<DurableTaskKey>) -> Manifest.DurableTask.Limit {
        var limit = Manifest.DurableTask.Limit()
        limit.running = keys[.running].flatMap {
            reader.integer($0, for: "`running`", in: ManifestBounds.running)
        }
        limit.rate = keys[.rate].flatMap(rate)
        if let node = keys[.per] {
            let expected = "the name of a member of the task"
            if let name = reader.text(node, for: "`per`", expected: expected)?.string {
                // The task store looks the member up by a path, in which these characters have a meaning.
                if name.isEmpty || name.contains(where: { $0 == "\"" || $0 == "\\" }) {
                    reader.reportMismatch(node, for: "`per`", expected: expected)
                } else {
                    limit.member = .init(value: name, location: location(of: node))
                }
            }
        }
        limit.isStrict = keys[.order].flatMap { node in
            let order: LimitOrder? = reader.choice(node, for: "`order`")
            return order.map { $0 == .strict }
        }
        let first = [DurableTaskKey.running, .per, .rate, .order].compactMap(keys.position).min()
        limit.location = first.map { SourceLocation(file: reader.diagnostics.file, position: $0) }
        return limit
    }

    private enum LimitOrder: String, CaseIterable {
        case free, strict
    }

    /// Decodes a rate such as `25/s`.
    private func rate(_ node: Node) -> Manifest.DurableTask.Limit.Rate? {
        let bounds = ManifestBounds.rate
        let expected = """
            a number from \(bounds.lowerBound) to \(bounds.upperBound) and a unit (/s, /m or /h) such as 25/s
            """
        guard let text = reader.text(node, for: "`rate`", expected: expected)?.string else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Duration] = ["/s": .seconds(1), "/m": .seconds(60), "/h": .seconds(3600)]
        guard let count = Int(digits), bounds.contains(count),
            let period = units[text.dropFirst(digits.count)]
        else {
            reader.reportMismatch(node, for: "`rate`", expected: expected)
            return nil
        }
        return .init(count: count, period: period)
    }

    /// Decodes `runs`: `here`, or a broker's queue. Returns `nil` if a mistake was reported.
    private func execution(_ node: Node) -> Manifest.DurableTask.Execution? {
        let location = location(of: node)
        guard node.mapping != nil else {
            let expected = "here, or { celery: QUEUE }"
            guard let text = reader.text(node, for: "`runs`", expected: expected) else { return nil }
            guard text.string == "here" else {
                reader.reportMismatch(node, for: "`runs`", expected: expected)
                return nil
            }
            return .init(queue: nil, location: location)
        }
        guard let keys = reader.mapping(node, keys: ExecutionKey.self, name: ExecutionKey.mapping) else {
            return nil
        }
        return queue(keys[.celery], in: "`runs`", at: keys.position)
    }

    private func rerouting(_ node: Node) -> Manifest.DurableTask.Rerouting? {
        guard let keys = reader.mapping(node, keys: ReroutingKey.self, name: ReroutingKey.mapping) else {
            return nil
        }
        let destination = queue(keys[.celery], in: "`rerouting`", at: keys.position)
        var occasions: Set<Manifest.DurableTask.Rerouting.Occasion>?
        if let node = keys[.when] {
            let names = alternatives(
                Manifest.DurableTask.Rerouting.Occasion.allCases.map(\.rawValue), last: "and")
            for item in reader.list(node, for: "`when`", of: "occasions: \(names)") ?? [] {
                guard
                    let occasion: Manifest.DurableTask.Rerouting.Occasion = reader.choice(item, for: "`when`")
                else { continue }
                if occasions?.contains(occasion) == true {
                    reader.report(
                        "found \(quoted(occasion.rawValue)) twice in `when`, expected it once", at: item)
                }
                occasions = (occasions ?? []).union([occasion])
            }
        }
        guard let destination else { return nil }
        var rerouting = Manifest.DurableTask.Rerouting(destination: destination)
        if let occasions { rerouting.occasions = occasions }
        return rerouting
    }

    private func queue(
        _ node: Node?, in mapping: String, at position: SourcePosition?
    ) -> Manifest.DurableTask.Execution? {
        let expected = "the name of a queue"
        guard let node else {
            reader.diagnostics.add("\(mapping) has no `celery`, expected \(expected)", at: position)
            return nil
        }
        guard let text = reader.text(node, for: "`celery`", expected: expected)?.string else { return nil }
        guard !text.isEmpty else {
            reader.reportMismatch(node, for: "`celery`", expected: expected)
            return nil
        }
        return .init(queue: text, location: location(of: node))
    }

    private func location(of node: Node) -> SourceLocation {
        SourceLocation(file: reader.diagnostics.file, position: node.position)
    }
}

/// Decoding of `schedules`.
extension ManifestDecoder {
    func schedules(_ node: Node) -> [Manifest.Schedule] {
        let expected = "a name of letters, digits, `-`, `_` and `.` such as nightly"
        return reader.entries(
            node, in: "`schedules`", each: expected, expected: "a mapping of schedules' names"
        )
        .compactMap { entry in
            guard Self.isName(entry.name) else {
                reader.report(
                    "found \(quoted(entry.name)) in `schedules`, expected \(expected)", at: entry.key)
                return nil
            }
            return schedule(entry.value, called: entry.name)
        }
    }

    private func schedule(_ node: Node, called name: String) -> Manifest.Schedule? {
        guard let keys = reader.mapping(node, keys: ScheduleKey.self, name: ScheduleKey.mapping) else {
            return nil
        }
        let cron = text(.cron, in: keys, expected: "five fields in quotes such as \"0 3 * * *\"")
        let task = text(.task, in: keys, expected: "the name of a durable task")
        var zone: Manifest.Located<String>?
        if keys[.timeZone] != nil {
            zone = text(.timeZone, in: keys, expected: "a time zone such as Europe/Paris")
        }
        var arguments: Manifest.Value?
        if let node = keys[.arguments] {
            if node.mapping == nil {
                reader.reportMismatch(node, for: "`arguments`", expected: "a mapping of the task's values")
            } else {
                arguments = value(node)
            }
        }
        let overlap: Manifest.Schedule.Overlap? = keys[.overlap].flatMap {
            reader.choice($0, for: "`overlap`")
        }
        guard let cron, let task else { return nil }
        let start = SourceLocation(file: reader.diagnostics.file, position: keys.position)
        return Manifest.Schedule(
            name: name, cron: cron, timeZone: zone ?? .init(value: "UTC", location: start), task: task,
            arguments: arguments ?? Manifest.Value(.mapping([]), location: task.location),
            overlap: overlap ?? .skip)
    }

    private func text(
        _ key: ScheduleKey, in keys: MappingReader<ScheduleKey>, expected: String
    ) -> Manifest.Located<String>? {
        let name = "`\(key.rawValue)`"
        guard let node = keys[key] else {
            reader.diagnostics.add("a schedule has no \(name), expected \(expected)", at: keys.position)
            return nil
        }
        guard let text = reader.text(node, for: name, expected: expected)?.string else { return nil }
        guard !text.isEmpty else {
            reader.reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return .init(value: text, location: location(of: node))
    }

    /// Returns a value that JSON can represent; `nil` after a reported mistake.
    private func value(_ node: Node) -> Manifest.Value? {
        guard reader.isUntagged(node) else { return nil }
        let location = location(of: node)
        switch node.content {
        case .scalar(let scalar):
            return content(of: scalar, at: node).map { Manifest.Value($0, location: location) }
        case .sequence(let sequence):
            return Manifest.Value(.list(sequence.compactMap { value($0) }), location: location)
        case .mapping:
            let entries = reader.entries(node, in: "`arguments`", each: "text", expected: "a mapping")
            return Manifest.Value(
                .mapping(
                    entries.compactMap { entry in value(entry.value).map { .init(key: entry.name, value: $0) }
                    }),
                location: location)
        }
    }

    private func content(of scalar: Node.Scalar, at node: Node) -> Manifest.Value.Content? {
        switch ScalarKind(scalar) {
        case .null: return .null
        case .boolean: return .boolean(scalar.string.lowercased() == "true")
        case .text: return .text(scalar.string)
        case .integer, .float:
            guard NumberText.isJSON(scalar.string) else {
                let expected = "a decimal number such as 10 or 0.5, or text in quotes"
                reader.reportMismatch(node, for: "`arguments`", expected: expected)
                return nil
            }
            return .number(scalar.string)
        }
    }

    /// Whether a text can be a schedule's name, which appears in the log and in the ids of the schedule's tasks.
    private static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        return !bytes.isEmpty && bytes.count <= 64
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-_.".utf8.contains(byte)
                }
            }
    }
}

/// Decoding of `celery`.
extension ManifestDecoder {
    func celery(_ node: Node) -> Manifest.Celery? {
        guard let keys = reader.mapping(node, keys: CeleryKey.self, name: CeleryKey.mapping) else {
            return nil
        }
        if keys[.broker] == nil {
            reader.diagnostics.add(
                "`celery` has no `broker`, expected the broker's URL such as amqp://localhost or redis://localhost",
                at: keys.position)
        }
        let broker = keys[.broker].flatMap { address($0, for: "`broker`", such: "amqp://localhost") }
        let results = keys[.results].flatMap { address($0, for: "`results`", such: "redis://localhost") }
        guard let broker else { return nil }
        return Manifest.Celery(broker: broker, results: results, location: location(keys.position))
    }

    /// Returns a broker's URL, unchecked: only a program that links a broker's library can check it. It is never shown in
    /// diagnostics.
    private func address(_ node: Node, for name: String, such example: String) -> Manifest.Address? {
        let expected = "a URL such as \(example)"
        guard let text = reader.text(node, for: name, expected: expected)?.string else { return nil }
        guard !text.isEmpty else {
            reader.report("found an empty text for \(name), expected \(expected)", at: node)
            return nil
        }
        return Manifest.Address(text, location: location(node.position))
    }

    private func location(_ position: SourcePosition?) -> SourceLocation {
        SourceLocation(file: reader.diagnostics.file, position: position)
    }
}
