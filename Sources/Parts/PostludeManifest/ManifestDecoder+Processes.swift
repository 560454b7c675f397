extension ManifestDecoder {
    func processes(_ node: Node) -> Manifest.Processes {
        var processes = Manifest.Processes()
        guard let keys = reader.mapping(node, keys: ProcessesKey.self, name: ProcessesKey.mapping) else {
            return processes
        }
        if let node = keys[.count] {
            let count = reader.integer(node, for: "`count`", in: ManifestBounds.processes)
            processes.count = count ?? processes.count
        }
        processes.maximumRequests = keys[.maxRequests].flatMap {
            reader.integer($0, for: "`max-requests`", in: ManifestBounds.requests)
        }
        processes.maximumMemory = keys[.maxMemory].flatMap {
            reader.byteCount($0, for: "`max-memory`", in: ManifestBounds.memory)
        }
        if let node = keys[.watchdog] {
            let time = reader.duration(node, for: "`watchdog`", atLeast: ManifestBounds.watchdog)
            processes.watchdog = time ?? processes.watchdog
        }
        return processes
    }

    func overload(_ node: Node) -> Manifest.Overload {
        var overload = Manifest.Overload()
        guard let keys = reader.mapping(node, keys: OverloadKey.self, name: OverloadKey.mapping) else {
            return overload
        }
        if let node = keys[.whenBusy] {
            overload.policy = reader.choice(node, for: "`when-busy`") ?? overload.policy
        }
        // These keys have no effect without `when-busy: refuse`.
        for key in [OverloadKey.wait, .retryAfter] where keys[key] != nil && keys[.whenBusy] == nil {
            reader.diagnostics.add(
                "found `\(key.rawValue)` without `when-busy`, expected `when-busy: refuse` with it",
                at: keys.position(of: key))
        }
        if let node = keys[.wait] {
            let wait = reader.duration(node, for: "`wait`", atLeast: .zero)
            overload.wait = wait ?? overload.wait
        }
        if let node = keys[.retryAfter] {
            overload.retryAfter = wholeSeconds(node, for: "`retry-after`") ?? overload.retryAfter
        }
        return overload
    }

    /// Returns a duration of whole seconds, for header fields such as `Retry-After`.
    private func wholeSeconds(_ node: Node, for name: String) -> Duration? {
        guard let duration = reader.duration(node, for: name, atLeast: .seconds(1)) else { return nil }
        guard duration.components.attoseconds == 0 else {
            reader.reportMismatch(node, for: name, expected: "whole seconds such as 5s")
            return nil
        }
        return duration
    }

    func workers(_ node: Node) -> Manifest.Workers {
        var workers = Manifest.Workers()
        guard let keys = reader.mapping(node, keys: WorkersKey.self, name: WorkersKey.mapping) else {
            return workers
        }
        let minimum = keys[.min].map { reader.integer($0, for: "`min`", in: ManifestBounds.workers) }
        let maximum = keys[.max].map { reader.integer($0, for: "`max`", in: ManifestBounds.workers) }
        let reserved = keys[.reservedForRequests].map {
            reader.integer($0, for: "`reserved-for-requests`", in: ManifestBounds.reservedForRequests)
        }
        if let node = keys[.idleTime] {
            let idleTime = reader.duration(node, for: "`idle-time`", atLeast: ManifestBounds.time)
            workers.idleTime = idleTime ?? workers.idleTime
        }
        // `.some(nil)` is a value with a reported mistake: it is not compared with the others.
        if case .some(.none) = minimum { return workers }
        if case .some(.none) = maximum { return workers }
        if let maximum = maximum?.flatMap({ $0 }) {
            workers.maximum = maximum
            workers.minimum = min(workers.minimum, maximum)
            workers.reservedForRequests = min(workers.reservedForRequests, maximum - 1)
        }
        let bound =
            maximum == nil ? "`max`, which is \(workers.maximum) by default" : "`max` (\(workers.maximum))"
        if let node = keys[.min], let minimum = minimum?.flatMap({ $0 }) {
            workers.minimum = minimum
            if minimum > workers.maximum {
                reader.reportMismatch(node, for: "`min`", expected: "at most \(bound)")
            }
        }
        if let node = keys[.reservedForRequests], let reserved = reserved?.flatMap({ $0 }) {
            workers.reservedForRequests = reserved
            if reserved >= workers.maximum {
                reader.reportMismatch(
                    node, for: "`reserved-for-requests`", expected: "less than \(bound)")
            }
        }
        return workers
    }
}
