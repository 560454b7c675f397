import Glibc
import PostludeSystem

/// What every worker of every process is at, in memory that outlives a process that crashes.
///
/// Each worker alone writes its slot; a reader copies it, and trusts nothing in it but bytes and numbers.
package final class Scoreboard: Sendable {
    let layout: Layout
    private let memory: SharedMemory
    let words: SharedWords
    let archiving = Lock<Void>(())

    /// To be inherited by child processes.
    package var descriptor: Int32 { memory.descriptor }
    /// How many processes can be shown at once.
    package var processCount: Int { layout.processes }

    /// A new scoreboard.
    ///
    /// - Parameters:
    ///   - program: what status pages call the application.
    ///   - processes: slots for processes, those that are being replaced included.
    ///   - workers: slots for the workers of each; more workers than that are counted, but not shown.
    ///   - isShared: whether children are to inherit it.
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

    /// The scoreboard behind an inherited descriptor, which it closes in the end.
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
            throw .foreign("it is no scoreboard")
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

    /// Takes a slot, which is free, for a process that is about to be started. Called by the supervisor alone.
    package func claim(process index: Int) {
        guard (0..<layout.processes).contains(index) else { return }
        clear(process: index)
        words(ofProcess: index)[Layout.Process.state] = ProcessState.starting.rawValue
    }

    /// A process's own slot, to write to; nil if there is none of that index.
    package func process(at index: Int) -> ProcessSlot? {
        guard (0..<layout.processes).contains(index) else { return nil }
        return ProcessSlot(self, index, workers: layout.workers)
    }

    /// A process has ended: keeps its counts, and frees its slot. Called by the supervisor alone, after `remains`; a
    /// free slot stays as it is.
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

    /// Whether a process serves that has a worker free for a request and its tasks.
    ///
    /// - Parameter own: the index of a process that does not count.
    func hasFreeProcess(besides own: Int) -> Bool {
        (0..<layout.processes).contains { index in
            guard index != own else { return false }
            let words = words(ofProcess: index)
            return words[Layout.Process.state] == ProcessState.serving.rawValue
                && words[Layout.Process.busyWorkers] < words[Layout.Process.taskPlaces]
        }
    }

    /// - Parameter index: `layout.processes` for those that have ended.
    func words(ofProcess index: Int) -> SharedWords { words.from(layout.process(index)) }

    func words(ofWorker worker: Int, in process: SharedWords) -> SharedWords {
        process.from(Layout.Process.count + worker * Layout.Worker.count)
    }

    private func clear(process index: Int) { words(ofProcess: index).clear(0..<layout.processStride) }
}

/// How far a process is.
package enum ProcessState: UInt64, Sendable, CaseIterable {
    case free, starting, serving, draining

    /// As status pages show it.
    package var label: String { "\(self)" }
}
