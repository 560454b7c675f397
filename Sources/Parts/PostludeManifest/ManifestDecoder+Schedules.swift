internal import Yams

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
        var zone: Manifest.Placed<String>?
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
    ) -> Manifest.Placed<String>? {
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

    /// What JSON can hold; `nil` when it was reported.
    private func value(_ node: Node) -> Manifest.Value? {
        guard reader.isUntagged(node) else { return nil }
        let place = location(of: node)
        switch node {
        case .scalar(let scalar):
            return content(of: scalar, at: node).map { Manifest.Value($0, location: place) }
        case .sequence(let sequence):
            return Manifest.Value(.list(sequence.compactMap { value($0) }), location: place)
        case .mapping:
            let entries = reader.entries(node, in: "`arguments`", each: "text", expected: "a mapping")
            return Manifest.Value(
                .mapping(
                    entries.compactMap { entry in value(entry.value).map { .init(key: entry.name, value: $0) }
                    }),
                location: place)
        case .alias: return nil
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

    /// It stands in the log, and in the ids of what it adds.
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
