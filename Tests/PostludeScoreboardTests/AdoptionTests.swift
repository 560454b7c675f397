import Glibc
import PostludeSystem
import Testing

@testable import PostludeScoreboard

@Suite("An untrusted scoreboard", .timeLimit(.minutes(10)))
struct AdoptionTests {
    private func error(adopting memory: SharedMemory) throws -> String {
        do throws(ScoreboardError) {
            _ = try Scoreboard(adopting: dup(memory.descriptor))
        } catch {
            return "\(error)"
        }
        return "none"
    }

    @Test("Memory of zeros, or with another layout, is refused with the reason")
    func foreign() throws {
        let layout = try #require(Layout(processes: 2, workers: 4))
        let small = try SharedMemory(sharing: 8, name: "test")
        #expect(try error(adopting: small).contains("too small"))
        let memory = try SharedMemory(sharing: layout.byteCount, name: "test")
        let words = SharedWords(memory)
        #expect(try error(adopting: memory).contains("not a scoreboard"))
        words[Layout.Header.magic] = Layout.magic
        words[Layout.Header.version] = 99
        #expect(try error(adopting: memory).contains("its layout is 99"))
        words[Layout.Header.version] = Layout.version
        for (processes, workers) in [(0, 4), (2, 5), (3, 4), (.max, .max), (1 << 40, 1 << 40)] {
            words[Layout.Header.processes] = UInt64(processes)
            words[Layout.Header.workers] = UInt64(workers)
            #expect(try error(adopting: memory).contains("its size"), "\(processes), \(workers)")
        }
        words[Layout.Header.processes] = 2
        words[Layout.Header.workers] = 4
        #expect(try error(adopting: memory) == "none")
    }

    @Test("A descriptor that is not memory is refused")
    func noMemory() {
        #expect(throws: ScoreboardError.self) { try Scoreboard(adopting: -1) }
    }

    @Test("An impossible size is refused", arguments: [(0, 1), (1, 0), (-1, 1), (5000, 1), (1, 5000)])
    func size(processes: Int, workers: Int) {
        #expect(throws: ScoreboardError.self) {
            try Scoreboard(program: "x", processes: processes, workers: workers, isShared: false)
        }
    }

    @Test("Whatever the memory contains, reading it neither fails nor waits")
    func noise() throws {
        let board = try ScoreboardTests.make()
        for _ in 0..<4 {
            for index in Layout.Header.started..<board.layout.byteCount / 8 {
                let choice = UInt8.random(in: 0...3)
                board.words[index] =
                    switch choice {
                    case 0: .max
                    case 1: 0
                    case 2: UInt64.random(in: 0...5)
                    default: UInt64.random(in: 0 ... .max)
                    }
            }
            let snapshot = board.snapshot()
            #expect(snapshot.processes.count <= 2 && snapshot.totals.tasks.count <= 3 * 64)
            #expect(board.seconds.count <= 3600 && board.minutes.count <= 1440)
            board.add(second: HistoryRow())
            board.set(minute: HistoryRow())
            _ = board.unfinishedWork(ofProcess: 0)
            board.release(process: 0)
            board.claim(process: 0)
        }
    }

    @Test("The row of a worker that dies while it writes is still read, and is marked as torn")
    func torn() throws {
        let board = try ScoreboardTests.make()
        let process = try #require(board.process(at: 0))
        process.begin(generation: 1)
        let worker = try process.takeWorker()
        worker.begin(method: Array("GET".utf8)[...], target: Array("/x".utf8)[...], request: [], at: .now)
        let words = board.words(ofWorker: 0, in: board.words(ofProcess: 0))
        words.increase(Layout.Worker.sequence)
        let shown = try #require(board.snapshot().processes.first?.workers.first)
        #expect(shown.isTorn && shown.target == "/x")
        #expect(board.unfinishedWork(ofProcess: 0).first?.contains("it died while it recorded this") == true)
        // The next worker in its place writes whole text again.
        worker.begin(method: Array("GET".utf8)[...], target: Array("/y".utf8)[...], request: [], at: .now)
        #expect(board.snapshot().processes[0].workers[0].isTorn == false)
    }

    @Test("Counts that processes claim can be added, whatever they are")
    func sums() throws {
        let board = try ScoreboardTests.make()
        for index in 0..<2 {
            let words = board.words(ofProcess: index)
            for word in 0..<Layout.Process.counters { words[word] = .max }
        }
        let processes = board.snapshot().processes
        #expect(processes.count == 2)
        for count in [\ScoreboardSnapshot.Process.connections, \.queuedTasks, \.runningTasks] {
            #expect(processes.reduce(0) { $0.addingReportingOverflow($1[keyPath: count]).partialValue } > 0)
        }
    }

    @Test("There is room for all processes that a manifest may ask for, and for those that they replace")
    func largest() throws {
        let layout = try #require(Layout(processes: 4 * 1024 + 16, workers: 64))
        // Addresses, of which only those take memory that are written.
        #expect(layout.byteCount < 1 << 32)
    }

    @Test("Processes that have counted nothing take a few pages each, also if they are replaced")
    func unusedMemory() throws {
        let count = 64
        let board = try Scoreboard(program: "shop", processes: count, workers: 2, isShared: true)
        for index in 0..<count {
            for _ in 1...2 {
                board.claim(process: index)
                board.release(process: index)
            }
        }
        var status = stat()
        #expect(fstat(board.descriptor, &status) == 0)
        #expect(status.st_blocks * 512 / count < 32 << 10)
    }
}
