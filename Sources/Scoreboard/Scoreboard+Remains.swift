package import Linux

extension Scoreboard {
    /// What the workers of a process that has died were at: a line for each busy one, for the log.
    ///
    /// To be asked for before `release`.
    package func remains(ofProcess index: Int, at now: MonotonicTime = .now) -> [String] {
        guard (0..<layout.processes).contains(index), let process = process(index, at: now) else { return [] }
        var lines = process.workers.filter(\.state.isBusy).map(\.remains)
        if process.queuedTasks > 0 {
            lines.append("\(process.queuedTasks) tasks were queued, as of its last count")
        }
        return lines
    }
}

extension ScoreboardSnapshot.Worker {
    /// What a log line says of it: `worker 3 was handling GET /orders/7 for 1.2 s, route /orders/{id}, …`.
    fileprivate var remains: String {
        var parts: [String]
        if state == .tasks {
            let name = task.isEmpty ? "tasks" : "the task \(task)"
            // The request may have been of another process, or of another start.
            let after = method.isEmpty ? "" : " after \(method) \(target)"
            parts = ["worker \(number) was running \(name) for \(since.text)\(after)"]
            if tasksLeft > 0 { parts.append("\(tasksLeft) more tasks") }
        } else {
            parts = ["worker \(number) was \(state.label) \(method) \(target) for \(requestDuration.text)"]
        }
        if !route.isEmpty { parts.append("route \(route)") }
        if !handler.isEmpty { parts.append("handler \(handler)") }
        if !request.isEmpty { parts.append("request \(request)") }
        if isTorn { parts.append("it died while it noted this") }
        return parts.joined(separator: ", ")
    }
}

extension Duration {
    /// Seconds with three decimals.
    fileprivate var text: String {
        let milliseconds = saturatedNanoseconds / 1_000_000
        let decimals = "\(1000 + abs(milliseconds % 1000))".dropFirst()
        return "\(milliseconds / 1000).\(decimals) s"
    }
}
