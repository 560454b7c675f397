import PostludeSystem

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
        var known = archive.names(in: Layout.Process.tasks)
        for (name, kind) in ended.tasks.sorted(by: { $0.key < $1.key }) {
            let place = archive.place(of: name, in: Layout.Process.tasks, known: &known)
            let task = archive.row(place, of: Layout.Process.tasks)
            task.increase(Layout.Task.done, by: kind.done)
            task.increase(Layout.Task.failed, by: kind.failed)
            task.increase(Layout.Task.retried, by: kind.retried)
            task.increase(Layout.Task.dropped, by: kind.dropped)
            task.increase(Layout.Task.nanoseconds, by: kind.time.nanoseconds)
            task.from(Layout.Task.times).increase(kind.times)
        }
        known = archive.names(in: Layout.Process.routes)
        for (name, answers) in ended.routes.sorted(by: { $0.key < $1.key }) {
            let place = archive.place(of: name, in: Layout.Process.routes, known: &known)
            let route = archive.row(place, of: Layout.Process.routes)
            for status in StatusClass.allCases { route.increase(status.word, by: answers[status]) }
            route.increase(Layout.Route.nanoseconds, by: answers.time.nanoseconds)
        }
    }
}

extension SharedWords {
    fileprivate func names(in table: NameTable) -> [String: Int] {
        let names = namedRows(of: table).enumerated().map { ($1.text(at: table.name), $0) }
        return Dictionary(names) { first, _ in first }
    }

    fileprivate func increase(_ histogram: LatencyHistogram) {
        for (bucket, count) in histogram.counts.enumerated() where count > 0 { increase(bucket, by: count) }
    }
}

extension Duration {
    fileprivate var nanoseconds: UInt64 { UInt64(clamping: saturatedNanoseconds) }
}
