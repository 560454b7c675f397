internal import Yams

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
    }

    /// The limits of one route, over those of all routes.
    func routeLimits(_ node: Node, into limits: inout Manifest.Limits) {
        guard let keys = reader.mapping(node, keys: RouteLimitsKey.self, name: RouteLimitsKey.mapping)
        else { return }
        read(keys[.body], "`body`", in: ManifestBounds.body, into: &limits.body)
        read(keys[.readTime], "`read-time`", into: &limits.readTime)
        read(keys[.writeTime], "`write-time`", into: &limits.writeTime)
        readDeadlines(
            keys[.requestTimeout], slow: keys[.slowTime], kill: keys[.killTime], into: &limits)
    }

    /// The limits of tasks, those of one route over those of all.
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
            // A route may have the bound of all routes.
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
        // A route that is killed before the others are slow is not a mistake; a route with both is.
        if slow.node != nil { check(slow, isAtMost: kill) }
    }

    /// A time that counts where it is read: written there, or for all routes.
    private struct Time {
        let name: String
        /// `nil` when it is not written there.
        let node: Node?
        /// `nil` when there is none, or when it was reported.
        let value: Duration?
    }

    private func time(_ node: Node?, _ name: String, over inherited: Duration?) -> Time {
        guard let node else { return Time(name: name, node: nil, value: inherited) }
        let value = reader.duration(node, for: "`\(name)`", atLeast: ManifestBounds.time)
        return Time(name: name, node: node, value: value)
    }

    /// Reports two times of which the later comes first. Those that all routes inherit were compared there.
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
