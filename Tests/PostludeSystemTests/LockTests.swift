import Glibc
import PostludeSystem
import Synchronization
import Testing

@Suite("Lock")
struct LockTests {
    private struct Refused: Error {}

    /// Reports that it was released.
    private final class Tracked: Sendable {
        let live: Atomic<Int>

        init() { live = Atomic(1) }
    }

    @Test("Threads that change the value lose no change")
    func exclusion() async {
        let counter = Counter()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 { counter.value.withLock { $0 += 1 } }
                }
            }
        }
        #expect(counter.value.withLock { $0 } == 80_000)
    }

    private final class Counter: Sendable {
        let value = Lock(0)
    }

    @Test("It is released when the body throws")
    func throwing() {
        let counter = Counter()
        #expect(throws: Refused.self) {
            try counter.value.withLock { (value) throws(Refused) in
                value = 1
                throw Refused()
            }
        }
        #expect(counter.value.withLock { $0 } == 1)
    }

    @Test("Its value is released with it")
    func lifetime() {
        weak var tracked: Tracked?
        do {
            let value = Tracked()
            tracked = value
            let lock = Lock<Tracked?>(value)
            #expect(lock.withLock { $0?.live.load(ordering: .relaxed) } == 1)
        }
        #expect(tracked == nil)
    }
}
