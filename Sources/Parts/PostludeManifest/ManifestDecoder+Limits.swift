extension ManifestDecoder {
    func limits(_ node: Node, into limits: inout Manifest.Limits) {
        guard let keys = reader.mapping(node, keys: LimitsKey.self, name: LimitsKey.mapping) else { return }
        read(keys[.head], "`head`", in: ManifestBounds.head, into: &limits.head)
        read(keys[.body], "`body`", in: ManifestBounds.body, into: &limits.body)
        read(keys[.headTime], "`head-time`", into: &limits.headTime)
        read(keys[.readTime], "`read-time`", into: &limits.readTime)
        read(keys[.writeTime], "`write-time`", into: &limits.writeTime)
        readDeadlines(
            keys[.requestTimeout], slow: keys[.slowTime], kill: keys[.killTime], into: &limits)
        if let node = keys[.eventStreams] {
            let count = reader.integer(node, for: "`event-streams`", in: ManifestBounds.eventStreams)
            limits.eventStreams = count ?? limits.eventStreams
        }
    }

    /// Decodes the limits of one route, which override those of all routes.
    func routeLimits(_ node: Node, into limits: inout Manifest.Limits) {
        guard let keys = reader.mapping(node, keys: RouteLimitsKey.self, name: RouteLimitsKey.mapping)
        else { return }
        read(keys[.body], "`body`", in: ManifestBounds.body, into: &limits.body)
        read(keys[.readTime], "`read-time`", into: &limits.readTime)
        read(keys[.writeTime], "`write-time`", into: &limits.writeTime)
        readDeadlines(
            keys[.requestTimeout], slow: keys[.slowTime], kill: keys[.killTime], into: &limits)
    }

    /// Decodes the limits of tasks: those for all routes, or those of one route, which override them.
    func tasks(_ node: Node, into tasks: inout Manifest.TaskLimits) {
        guard let keys = reader.mapping(node, keys: TasksKey.self, name: TasksKey.mapping) else { return }
        let warn = time(keys[.warn], "warn", over: tasks.warn)
        let deadline = time(keys[.deadline], "deadline", over: tasks.deadline)
        let kill = time(keys[.killTime], "kill-time", over: tasks.killTime)
        tasks.warn = warn.value ?? tasks.warn
        tasks.deadline = deadline.value
        tasks.killTime = kill.value
        if warn.node != nil {
            check(warn, isAtMost: deadline)
            check(warn, isAtMost: kill)
        }
        check(deadline, isAtMost: kill)
        if let node = keys[.maxQueued] {
            let bound = reader.integer(node, for: "`max-queued`", in: ManifestBounds.queuedTasks)
            tasks.maxQueued = bound ?? tasks.maxQueued
        }
        if let node = keys[.whenFull] {
            tasks.whenFull = reader.choice(node, for: "`when-full`") ?? tasks.whenFull
            // A route can inherit `max-queued`.
            if tasks.maxQueued == nil, keys[.maxQueued] == nil {
                reader.diagnostics.add(
                    "found `when-full` without `max-queued`, expected the largest number of a worker's tasks",
                    at: keys.position(of: .whenFull))
            }
        }
    }

    private func readDeadlines(
        _ request: Node?, slow: Node?, kill: Node?, into limits: inout Manifest.Limits
    ) {
        let request = time(request, "request-timeout", over: limits.requestTimeout)
        let slow = time(slow, "slow-time", over: limits.slowTime)
        let kill = time(kill, "kill-time", over: limits.killTime)
        (limits.requestTimeout, limits.slowTime, limits.killTime) = (request.value, slow.value, kill.value)
        check(request, isAtMost: kill)
        // An inherited `slow-time` may be longer than a route's `kill-time`; a route's own may not.
        if slow.node != nil { check(slow, isAtMost: kill) }
    }

    /// A time limit that applies to a mapping: its own, or the one for all routes.
    private struct Time {
        let name: String
        /// The limit's node in the mapping; `nil` if the mapping does not have the limit.
        let node: Node?
        /// The limit that applies; `nil` if there is none, or if a mistake in it was reported.
        let value: Duration?
    }

    private func time(_ node: Node?, _ name: String, over inherited: Duration?) -> Time {
        guard let node else { return Time(name: name, node: nil, value: inherited) }
        let value = reader.duration(node, for: "`\(name)`", atLeast: ManifestBounds.time)
        return Time(name: name, node: node, value: value)
    }

    /// Reports a time limit that is longer than another one, which must not be shorter. Two inherited limits are not reported
    /// again.
    private func check(_ time: Time, isAtMost other: Time) {
        guard let value = time.value, let bound = other.value, value > bound else { return }
        let text = DurationText.text(of: bound)
        if let node = time.node {
            let bound = other.node == nil ? "\(text) for all routes" : text
            reader.reportMismatch(node, for: "`\(time.name)`", expected: "at most `\(other.name)` (\(bound))")
        } else if let node = other.node {
            let bound = DurationText.text(of: value)
            reader.reportMismatch(
                node, for: "`\(other.name)`", expected: "at least `\(time.name)` (\(bound) for all routes)")
        }
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
