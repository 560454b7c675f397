import Linux

extension Scoreboard {
    /// Adds the counts of a process that has ended to those of its predecessors: what is counted never shrinks.
    func archive(_ process: SharedWords) {
        let ended = totals(of: process)
        let archive = words(ofProcess: layout.processes)
        for counter in ProcessCounter.allCases {
            archive.increase(
                Layout.Process.counters + counter.rawValue,
                by: counter == .requests ? ended.requests : ended[counter])
        }
        archive.increase(Layout.Process.requestNanoseconds, by: ended.requestTime.nanoseconds)
        archive.from(Layout.Process.requestTimes).increase(ended.requestTimes)
        for (name, kind) in ended.tasks.sorted(by: { $0.key < $1.key }) {
            let task = archivedTask(name, in: archive)
            task.increase(Layout.Task.done, by: kind.done)
            task.increase(Layout.Task.failed, by: kind.failed)
            task.increase(Layout.Task.retried, by: kind.retried)
            task.increase(Layout.Task.dropped, by: kind.dropped)
            task.increase(Layout.Task.nanoseconds, by: kind.time.nanoseconds)
            task.from(Layout.Task.times).increase(kind.times)
        }
    }

    private func archivedTask(_ name: String, in archive: SharedWords) -> SharedWords {
        let known = Int(clamping: min(archive[Layout.Process.taskNames], UInt64(Layout.Process.taskKinds)))
        let tasks = (0..<Layout.Process.taskKinds).map {
            archive.from(Layout.Process.tasks + $0 * Layout.Task.count)
        }
        if let task = tasks.prefix(known).first(where: { $0.text(at: Layout.Task.name) == name }) {
            return task
        }
        let last = tasks.count - 1
        guard known <= last else { return tasks[last] }
        tasks[known].write(known < last ? name : TaskKind.others, at: Layout.Task.name)
        archive.publish(Layout.Process.taskNames, UInt64(known + 1))
        return tasks[known]
    }
}

extension SharedWords {
    fileprivate func increase(_ histogram: LatencyHistogram) {
        for (bucket, count) in histogram.counts.enumerated() where count > 0 { increase(bucket, by: count) }
    }
}

extension Duration {
    fileprivate var nanoseconds: UInt64 { UInt64(clamping: saturatedNanoseconds) }
}
