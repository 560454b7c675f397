package import PostludeSystem

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

extension Scoreboard {
    private static let signal: UInt64 = 1 << 31

    /// When the control thread of a process was last at work; nil if it has never been.
    package func lastBeat(ofProcess index: Int) -> MonotonicTime? {
        guard (0..<layout.processes).contains(index) else { return nil }
        let nanoseconds = words(ofProcess: index)[Layout.Process.beatNanoseconds]
        return nanoseconds == 0 ? nil : MonotonicTime(nanoseconds: Int64(clamping: nanoseconds))
    }

    /// Notes how a process has ended. Called by the supervisor alone, before `release`.
    ///
    /// - Parameter signal: the one that has ended it; nil if it has ended by itself, with a status.
    package func note(endOf pid: Int32, signal: Int32?, status: Int32) {
        let count = words[Layout.Header.ended]
        let end =
            signal.map { UInt64(UInt8(truncatingIfNeeded: $0)) | Self.signal }
            ?? UInt64(UInt8(truncatingIfNeeded: status))
        let place = Layout.Header.ends.lowerBound + Int(count % UInt64(Layout.Header.ends.count))
        words.publish(place, UInt64(UInt32(bitPattern: pid)) << 32 | end)
        words.publish(Layout.Header.ended, count &+ 1)
    }

    /// How a process has ended that has had a slot.
    func end(of pid: Int64) -> ProcessEnd {
        guard let pid = UInt32(exactly: pid), pid != 0 else { return .unknown }
        // In this order: a slot is given away after the note.
        let hasSlot = (0..<layout.processes).contains { index in
            let words = words(ofProcess: index)
            return words.published(Layout.Process.state) != ProcessState.free.rawValue
                && words[Layout.Process.pid] == UInt64(pid)
        }
        let count = Int(clamping: words.published(Layout.Header.ended))
        let places = Layout.Header.ends
        for age in 0..<min(count, places.count) {
            let word = words[places.lowerBound + (count - 1 - age) % places.count]
            guard word >> 32 == UInt64(pid) else { continue }
            return .known(
                word & Self.signal != 0 ? "signal \(word & 0xff)" : "exit status \(word & 0xff)")
        }
        return hasSlot ? .pending : .unknown
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
