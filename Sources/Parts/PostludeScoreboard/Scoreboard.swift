import Glibc
package import PostludeSystem

/// Shows what every worker of every process is doing, in memory that survives the crash of a process.
///
/// Only the worker writes its slot. A reader copies the slot, and does not rely on valid content.
package final class Scoreboard: Sendable {
    let layout: Layout
    private let memory: SharedMemory
    let words: SharedWords
    let archiving = Lock<Void>(())

    /// The descriptor of the memory, which child processes inherit.
    package var descriptor: Int32 { memory.descriptor }
    /// The number of processes that can be shown at the same time.
    package var processCount: Int { layout.processes }

    /// Makes a new scoreboard.
    ///
    /// - Parameters:
    ///   - program: the application's name on status pages.
    ///   - processes: the number of slots for processes, including those that are being replaced.
    ///   - workers: the number of slots for the workers of each process; further workers are counted, but not shown.
    ///   - isShared: whether child processes inherit it.
    package convenience init(
        program: String, processes: Int, workers: Int, isShared: Bool
    ) throws(ScoreboardError) {
        guard let layout = Layout(processes: processes, workers: workers) else {
            throw .tooLarge(processes: processes, workers: workers)
        }
        let memory: SharedMemory
        do throws(SystemError) {
            memory =
                isShared
                ? try SharedMemory(sharing: layout.byteCount, name: "scoreboard")
                : try SharedMemory(byteCount: layout.byteCount)
        } catch {
            throw .system(error)
        }
        self.init(memory, layout)
        words[Layout.Header.version] = Layout.version
        words[Layout.Header.processes] = UInt64(processes)
        words[Layout.Header.workers] = UInt64(workers)
        words[Layout.Header.started] = UInt64(clamping: time(nil))
        words[Layout.Header.startedNanoseconds] = UInt64(clamping: MonotonicTime.now.nanoseconds)
        words.write(program, at: Layout.Header.program)
        words.publish(Layout.Header.magic, Layout.magic)
    }

    /// Opens the scoreboard of an inherited descriptor, which this object closes at its end.
    package convenience init(adopting descriptor: Int32) throws(ScoreboardError) {
        let memory: SharedMemory
        do throws(SystemError) {
            memory = try SharedMemory(adopting: descriptor)
        } catch {
            throw .system(error)
        }
        guard memory.byteCount >= Layout.Header.count * 8 else { throw .foreign("it is too small") }
        let words = SharedWords(memory)
        guard words.published(Layout.Header.magic) == Layout.magic else {
            throw .foreign("it is not a scoreboard")
        }
        let version = words[Layout.Header.version]
        guard version == Layout.version else {
            throw .foreign("its layout is \(version), and this program's is \(Layout.version)")
        }
        let (processes, workers) = (words[Layout.Header.processes], words[Layout.Header.workers])
        guard let layout = Layout(processes: Int(clamping: processes), workers: Int(clamping: workers)),
            layout.byteCount == memory.byteCount
        else {
            throw .foreign("its size is not that of \(processes) processes of \(workers) workers")
        }
        self.init(memory, layout)
    }

    private init(_ memory: SharedMemory, _ layout: Layout) {
        self.memory = memory
        self.layout = layout
        words = SharedWords(memory)
    }

    // MARK: Processes

    /// Reserves a free slot for a process that is about to be started. Called only by the supervisor.
    package func claim(process index: Int) {
        guard (0..<layout.processes).contains(index) else { return }
        clear(process: index)
        words(ofProcess: index)[Layout.Process.state] = ProcessState.starting.rawValue
    }

    /// Returns the slot of a process, to write to; nil if there is no such index.
    package func process(at index: Int) -> ProcessSlot? {
        guard (0..<layout.processes).contains(index) else { return nil }
        return ProcessSlot(self, index, workers: layout.workers)
    }

    /// Frees the slot of a process that has ended, and keeps its counts. Called only by the supervisor, after
    /// `unfinishedWork`. Does nothing if the slot is free.
    package func release(process index: Int) {
        guard (0..<layout.processes).contains(index),
            words(ofProcess: index)[Layout.Process.state] != ProcessState.free.rawValue
        else { return }
        archiving.withLock { _ in
            archive(words(ofProcess: index))
            words.increase(Layout.Header.replaced)
            clear(process: index)
        }
    }

    /// Whether a serving process has a free worker for a request and its tasks.
    ///
    /// - Parameter own: the index of the process that is left out.
    func hasFreeProcess(besides own: Int) -> Bool {
        (0..<layout.processes).contains { index in
            guard index != own else { return false }
            let words = words(ofProcess: index)
            return words[Layout.Process.state] == ProcessState.serving.rawValue
                && words[Layout.Process.busyWorkers] < words[Layout.Process.taskSlots]
        }
    }

    /// - Parameter index: `layout.processes` for the counts of ended processes.
    func words(ofProcess index: Int) -> SharedWords { words.from(layout.process(index)) }

    func words(ofWorker worker: Int, in process: SharedWords) -> SharedWords {
        process.from(Layout.Process.count + worker * Layout.Worker.count)
    }

    private func clear(process index: Int) {
        let words = words(ofProcess: index)
        // Rows without a name were never written. Their memory stays unused.
        for table in [Layout.Process.tasks, Layout.Process.routes] {
            words.clear(table.rows..<table.rows + words.namedRows(of: table).count * table.rowSize)
        }
        words.clear(0..<Layout.Process.tasks.rows)
        words.clear(Layout.Process.count..<layout.processStride)
    }
}

/// The counts of processes that have ended.
extension Scoreboard {
    /// Adds the counts of an ended process to those of its predecessors, so that totals never decrease.
    private func archive(_ process: SharedWords) {
        let ended = totals(of: process)
        let archive = words(ofProcess: layout.processes)
        for counter in ProcessCounter.allCases {
            archive.increase(
                Layout.Process.counters + counter.rawValue,
                by: counter == .requests ? ended.requests : ended[counter])
        }
        archive.increase(Layout.Process.requestNanoseconds, by: ended.requestTime.nanoseconds)
        archive.from(Layout.Process.requestTimes).increase(ended.requestTimes)
        archive.from(Layout.Process.requestWaits).increase(ended.requestWaits)
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
            task.from(Layout.Task.waits).increase(kind.waits)
        }
        known = archive.names(in: Layout.Process.routes)
        for (name, counts) in ended.routes.sorted(by: { $0.key < $1.key }) {
            let place = archive.place(of: name, in: Layout.Process.routes, known: &known)
            let route = archive.row(place, of: Layout.Process.routes)
            for status in StatusClass.allCases { route.increase(status.word, by: counts.answers[status]) }
            route.increase(Layout.Route.nanoseconds, by: counts.answers.time.nanoseconds)
            route.from(Layout.Route.times).increase(counts.times)
        }
    }
}

/// What is known of a process that has died.
extension Scoreboard {
    private static let signal: UInt64 = 1 << 31

    /// Returns what the workers of a process that has died were doing, as lines for the log: one for each busy worker, and
    /// one for the queued tasks.
    ///
    /// To be called before `release`.
    package func unfinishedWork(ofProcess index: Int, at now: MonotonicTime = .now) -> [String] {
        guard (0..<layout.processes).contains(index), let process = process(index, at: now) else { return [] }
        var lines = process.workers.filter(\.state.isBusy).map(\.unfinishedWork)
        if process.queuedTasks > 0 {
            lines.append("\(process.queuedTasks) tasks were queued, as of its last count")
        }
        return lines
    }

    /// Returns the time at which the control thread of a process was last active; nil if it never was.
    package func lastBeat(ofProcess index: Int) -> MonotonicTime? {
        guard (0..<layout.processes).contains(index) else { return nil }
        let nanoseconds = words(ofProcess: index)[Layout.Process.beatNanoseconds]
        return nanoseconds == 0 ? nil : MonotonicTime(nanoseconds: Int64(clamping: nanoseconds))
    }

    /// Records how a process has ended. Called only by the supervisor, before `release`.
    ///
    /// - Parameters:
    ///   - signal: the signal that has ended it; nil if it has exited with a status.
    ///   - status: the exit status.
    package func note(endOf pid: Int32, signal: Int32?, status: Int32) {
        let count = words[Layout.Header.ended]
        let end =
            signal.map { UInt64(UInt8(truncatingIfNeeded: $0)) | Self.signal }
            ?? UInt64(UInt8(truncatingIfNeeded: status))
        if signal != nil || status != 0 {
            archiving.withLock { _ in
                words(ofProcess: layout.processes).increase(
                    Layout.Process.counters + ProcessCounter.deaths.rawValue)
            }
        }
        let place = Layout.Header.ends.lowerBound + Int(count % UInt64(Layout.Header.ends.count))
        words.publish(place, UInt64(UInt32(bitPattern: pid)) << 32 | end)
        words.publish(Layout.Header.ended, count &+ 1)
    }

    /// Returns how a process that has had a slot has ended.
    func end(of pid: Int64) -> ProcessEnd {
        guard let pid = UInt32(exactly: pid), pid != 0 else { return .unknown }
        // In this order: the end is recorded before the slot is freed.
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

/// The stage of a process.
package enum ProcessState: UInt64, Sendable, CaseIterable {
    case free, starting, serving, draining

    /// The text on status pages.
    package var label: String { "\(self)" }
}

/// Why there is no scoreboard.
package enum ScoreboardError: Error, CustomStringConvertible {
    case system(SystemError)
    case tooLarge(processes: Int, workers: Int)
    /// The inherited memory is not a scoreboard, or is that of another build.
    case foreign(String)

    package var description: String {
        switch self {
        case .system(let error): "scoreboard: \(error)"
        case .tooLarge(let processes, let workers):
            """
            scoreboard: there is no room for \(processes) processes of \(workers) workers; there may be at most \
            \(Layout.maximumProcesses) of \(Layout.maximumWorkers): lower processes.count or workers.max
            """
        case .foreign(let reason):
            "scoreboard: the inherited memory cannot be used: \(reason); restart the supervisor"
        }
    }
}

extension ScoreboardSnapshot.Worker {
    /// The text for a log line: `worker 3 was handling GET /orders/7 for 1.2 s, route /orders/{id}, …`.
    fileprivate var unfinishedWork: String {
        var parts: [String]
        if state == .tasks {
            let name = task.isEmpty ? "tasks" : "the task \(task)"
            // The request may have been that of another process, or of an earlier run.
            let after = method.isEmpty ? "" : " after \(method) \(target)"
            parts = ["worker \(number) was running \(name) for \(since.text)\(after)"]
            if tasksLeft > 0 { parts.append("\(tasksLeft) more tasks") }
        } else {
            parts = ["worker \(number) was \(state.label) \(method) \(target) for \(requestDuration.text)"]
        }
        if !route.isEmpty { parts.append("route \(route)") }
        if !handler.isEmpty { parts.append("handler \(handler)") }
        if !request.isEmpty { parts.append("request \(request)") }
        if isTorn { parts.append("it died while it recorded this") }
        return parts.joined(separator: ", ")
    }
}

extension SharedWords {
    fileprivate func names(in table: NameTable) -> [String: Int] {
        let names = namedRows(of: table).enumerated().map { ($1.text(at: table.name), $0) }
        return Dictionary(names) { first, _ in first }
    }

    fileprivate func increase(_ waits: Waits) {
        increase(waits.times)
        increase(Layout.Waits.nanoseconds, by: waits.time.nanoseconds)
    }

    fileprivate func increase(_ histogram: LatencyHistogram) {
        for (bucket, count) in histogram.counts.enumerated() where count > 0 { increase(bucket, by: count) }
    }
}

extension Duration {
    fileprivate var nanoseconds: UInt64 { UInt64(clamping: saturatedNanoseconds) }

    /// Seconds with three decimals.
    fileprivate var text: String {
        let milliseconds = saturatedNanoseconds / 1_000_000
        let decimals = "\(1000 + abs(milliseconds % 1000))".dropFirst()
        return "\(milliseconds / 1000).\(decimals) s"
    }
}
