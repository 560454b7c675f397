internal import Logging
internal import Yams

extension ManifestDecoder {
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
        // A value that was reported is nil inside the optional: nothing is compared with it.
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

    func limits(_ node: Node, into limits: inout Manifest.Limits) {
        guard let keys = reader.mapping(node, keys: LimitsKey.self, name: LimitsKey.mapping) else { return }
        read(keys[.head], "`head`", in: ManifestBounds.head, into: &limits.head)
        read(keys[.body], "`body`", in: ManifestBounds.body, into: &limits.body)
        read(keys[.headTime], "`head-time`", into: &limits.headTime)
        read(keys[.readTime], "`read-time`", into: &limits.readTime)
        read(keys[.writeTime], "`write-time`", into: &limits.writeTime)
    }

    /// The limits of one route, over those of all routes.
    func routeLimits(_ node: Node, into limits: inout Manifest.Limits) {
        guard let keys = reader.mapping(node, keys: RouteLimitsKey.self, name: RouteLimitsKey.mapping)
        else { return }
        read(keys[.body], "`body`", in: ManifestBounds.body, into: &limits.body)
        read(keys[.readTime], "`read-time`", into: &limits.readTime)
        read(keys[.writeTime], "`write-time`", into: &limits.writeTime)
    }

    /// The limits of tasks, those of one route over those of all.
    func tasks(_ node: Node, into tasks: inout Manifest.TaskLimits) {
        guard let keys = reader.mapping(node, keys: TasksKey.self, name: TasksKey.mapping) else { return }
        let minimum = ManifestBounds.time
        let warn = keys[.warn].flatMap { reader.duration($0, for: "`warn`", atLeast: minimum) }
        let deadline = keys[.deadline].flatMap { reader.duration($0, for: "`deadline`", atLeast: minimum) }
        tasks.warn = warn ?? tasks.warn
        tasks.deadline = deadline ?? tasks.deadline
        if let node = keys[.warn], let warn, let deadline, warn > deadline {
            let bound = DurationText.text(of: deadline)
            reader.reportMismatch(node, for: "`warn`", expected: "at most `deadline` (\(bound))")
        }
    }

    func log(_ node: Node) -> Manifest.Log {
        var log = Manifest.Log()
        guard let keys = reader.mapping(node, keys: LogKey.self, name: LogKey.mapping) else { return log }
        let levels = alternatives(Logger.Level.allCases.map(\.rawValue))
        if let node = keys[.level], let scalar = reader.text(node, for: "`level`", expected: levels) {
            if let level = Logger.Level(rawValue: scalar.string) {
                log.level = level
            } else {
                reader.reportMismatch(node, for: "`level`", expected: levels)
            }
        }
        let destinations = "stderr or a path with a `/`"
        if let node = keys[.to], let scalar = reader.text(node, for: "`to`", expected: destinations) {
            switch scalar.string {
            case "stderr":
                log.destination = .standardError
            // A name without a slash is more likely a misspelt `stderr` than a file.
            case let path where path.contains("/") && !path.hasSuffix("/") && !path.contains("\0"):
                log.destination = .file(path)
            default:
                reader.reportMismatch(node, for: "`to`", expected: destinations)
            }
        }
        return log
    }

    private func read(_ node: Node?, _ name: String, in range: ClosedRange<Int>, into value: inout Int) {
        guard let node, let count = reader.byteCount(node, for: name, in: range) else { return }
        value = count
    }

    private func read(_ node: Node?, _ name: String, into value: inout Duration) {
        guard let node else { return }
        value = reader.duration(node, for: name, atLeast: ManifestBounds.time) ?? value
    }
}
