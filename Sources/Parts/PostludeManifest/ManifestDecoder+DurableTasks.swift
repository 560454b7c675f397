internal import Yams

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
        task.runs = keys[.runs].flatMap(place)
        task.promotion = keys[.promotion].flatMap(promotion)
    }

    /// `here`, or a broker's queue.
    private func place(_ node: Node) -> Manifest.DurableTask.Place? {
        let place = location(of: node)
        guard node.mapping != nil else {
            let expected = "here, or { celery: QUEUE }"
            guard let text = reader.text(node, for: "`runs`", expected: expected) else { return nil }
            guard text.string == "here" else {
                reader.reportMismatch(node, for: "`runs`", expected: expected)
                return nil
            }
            return .init(queue: nil, location: place)
        }
        guard let keys = reader.mapping(node, keys: PlaceKey.self, name: PlaceKey.mapping) else { return nil }
        return queue(keys[.celery], in: "`runs`", at: keys.position)
    }

    private func promotion(_ node: Node) -> Manifest.DurableTask.Promotion? {
        guard let keys = reader.mapping(node, keys: PromotionKey.self, name: PromotionKey.mapping) else {
            return nil
        }
        let place = queue(keys[.celery], in: "`promotion`", at: keys.position)
        var occasions: Set<Manifest.DurableTask.Promotion.Occasion>?
        if let node = keys[.when] {
            let names = alternatives(
                Manifest.DurableTask.Promotion.Occasion.allCases.map(\.rawValue), last: "and")
            for item in reader.list(node, for: "`when`", of: "occasions: \(names)") ?? [] {
                guard
                    let occasion: Manifest.DurableTask.Promotion.Occasion = reader.choice(item, for: "`when`")
                else { continue }
                if occasions?.contains(occasion) == true {
                    reader.report(
                        "found \(quoted(occasion.rawValue)) twice in `when`, expected it once", at: item)
                }
                occasions = (occasions ?? []).union([occasion])
            }
        }
        guard let place else { return nil }
        var promotion = Manifest.DurableTask.Promotion(place: place)
        if let occasions { promotion.occasions = occasions }
        return promotion
    }

    private func queue(
        _ node: Node?, in mapping: String, at position: SourcePosition?
    ) -> Manifest.DurableTask.Place? {
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

    func location(of node: Node) -> SourceLocation {
        SourceLocation(file: reader.diagnostics.file, position: reader.position(of: node))
    }
}
