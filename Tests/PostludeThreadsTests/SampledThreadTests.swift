import Glibc
import PostludeSystem
import PostludeThreads
import Synchronization
import Testing

@Suite("A thread's stack", .timeLimit(.minutes(10)))
struct SampledThreadTests {
    /// Signals between a thread and its test.
    private final class State: Sendable {
        let isStarted = Atomic<Bool>(false)
        let mayEnd = Atomic<Bool>(false)
        let thread = Lock<SampledThread?>(nil)
    }

    private func wait(for flag: borrowing Atomic<Bool>) {
        while !flag.load(ordering: .acquiring) { sched_yield() }
    }

    /// Calls `body` while another thread runs `code` as the application's.
    private func whileRunning(
        _ code: @escaping @Sendable (borrowing Atomic<Bool>) -> Void, _ body: (SampledThread) -> Void
    ) throws {
        let state = State()
        let thread = try WorkerThread(name: "sampled") {
            let sampled = SampledThread()
            sampled.enter()
            state.thread.withLock { $0 = sampled }
            state.isStarted.store(true, ordering: .releasing)
            code(state.mayEnd)
            sampled.leave()
        }
        wait(for: state.isStarted)
        if let sampled = state.thread.withLock({ $0 }) { body(sampled) }
        state.mayEnd.store(true, ordering: .releasing)
        thread.join()
    }

    @Test("has the running function and its callers")
    func names() throws {
        try whileRunning {
            circleUntilTold($0)
        } _: { thread in
            // The thread may not have reached this point yet.
            let end = MonotonicTime.now + .seconds(30)
            var seen: [String] = []
            while .now < end {
                guard case .frames(let addresses) = thread.stack() else { continue }
                let frames = FunctionNames.frames(of: addresses)
                seen = frames.map(\.function)
                let inner = frames.firstIndex { $0.function.contains("circleForStack") }
                let outer = frames.firstIndex { $0.function.contains("circleUntilTold") }
                guard let inner, let outer else { continue }
                #expect(inner < outer)
                #expect(frames[inner].isInExecutable)
                return
            }
            Issue.record("the stack was \(seen)")
        }
    }

    @Test("is available for a thread that waits in the kernel, whose call continues")
    func blocked() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        let result = Lock<Int>(0)
        let isReading = Atomic<Bool>(false)
        try whileRunning { _ in
            var byte: UInt8 = 0
            isReading.store(true, ordering: .releasing)
            let count = read(input, &byte, 1)
            result.withLock { $0 = count }
        } _: { thread in
            wait(for: isReading)
            for _ in 0..<100 {
                guard case .frames(let addresses) = thread.stack() else {
                    Issue.record("no stack")
                    continue
                }
                #expect(addresses.count > 1)
            }
            var byte: UInt8 = 1
            #expect(write(output, &byte, 1) == 1)
        }
        // SA_RESTART: no signal has cut the read short.
        #expect(result.withLock { $0 } == 1)
        close(input)
        close(output)
    }

    @Test("is not available outside the application's code, and no signal is sent there")
    func outside() {
        let thread = SampledThread()
        #expect(thread.stack() == .unknown)
        thread.enter()
        #expect(thread.stack(where: { false }) == .unknown)
        thread.leave()
        #expect(thread.stack() == .unknown)
    }

    @Test("is not taken of a thread that waits for async code")
    func suspended() {
        let thread = SampledThread(isSuspended: { true })
        thread.enter()
        #expect(thread.stack() == .suspended)
        thread.leave()
    }

    @Test("of threads that come and go fails neither")
    func storm() throws {
        let mayEnd = Atomic<Bool>(false)
        let threads = Lock<[SampledThread]>([])
        let workers = try (0..<3).map { _ in
            try WorkerThread(name: "sampled") {
                let sampled = SampledThread()
                threads.withLock { $0.append(sampled) }
                while !mayEnd.load(ordering: .relaxed) {
                    sampled.enter()
                    circleForStack(rounds: 100)
                    sampled.leave()
                }
            }
        }
        var taken = 0
        while taken < 200 {
            for thread in threads.withLock({ $0 }) {
                if case .frames = thread.stack() { taken += 1 }
            }
        }
        mayEnd.store(true, ordering: .relaxed)
        for worker in workers { worker.join() }
    }
}

@inline(never)
private func circleUntilTold(_ mayEnd: borrowing Atomic<Bool>) {
    while !mayEnd.load(ordering: .acquiring) { circleForStack(rounds: 1000) }
}

@inline(never)
private func circleForStack(rounds: Int) {
    for _ in 0..<rounds { counter.add(1, ordering: .relaxed) }
}

private let counter = Atomic<Int>(0)
