import Foundation
import PostludeSystem
import Testing

@Suite("ConditionLock")
struct ConditionLockTests {
    private final class Box<Value: Sendable>: Sendable {
        let lock: ConditionLock<Value>

        init(_ value: sending Value) { lock = ConditionLock(value) }
    }

    /// Runs `body` on a thread of its own, on which it may block: Swift Testing's own threads must not.
    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    @Test("A thread that waits sees what other threads put in, in order")
    func handover() async {
        let box = Box<[Int]>([])
        async let taken = Self.onThread {
            (0..<1000).map { _ in
                box.lock.wait { numbers in
                    numbers.isEmpty ? .wait(until: nil) : .stop(numbers.removeFirst())
                }
            }
        }
        await Self.onThread {
            for number in 0..<1000 {
                box.lock.withLock { $0.append(number) }
                box.lock.signal()
            }
        }
        #expect(await taken == Array(0..<1000))
    }

    @Test("A broadcast wakes every thread that waits")
    func broadcast() async {
        let box = Box((waiting: 0, isOpen: false))
        async let passed = withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    await Self.onThread {
                        box.lock.withLock { $0.waiting += 1 }
                        box.lock.broadcast()
                        return box.lock.wait { $0.isOpen ? .stop(true) : .wait(until: nil) }
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        await Self.onThread {
            box.lock.wait { $0.waiting == 4 ? .stop(()) : .wait(until: nil) }
            box.lock.withLock { state in
                state.isOpen = true
                box.lock.broadcast()
            }
        }
        #expect(await passed == 4)
    }

    @Test("After its time a thread looks again without a signal")
    func time() async {
        let box = Box(0)
        let looks = await Self.onThread {
            box.lock.wait { looks -> ConditionLock<Int>.Step<Int> in
                looks += 1
                return looks == 3 ? .stop(looks) : .wait(until: .now + .milliseconds(1))
            }
        }
        #expect(looks == 3)
        #expect(box.lock.withLock { $0 } == 3)
    }

    @Test("A time that is past does not block")
    func pastTime() async {
        let box = Box(0)
        let looks = await Self.onThread {
            box.lock.wait { looks -> ConditionLock<Int>.Step<Int> in
                looks += 1
                return looks == 2 ? .stop(looks) : .wait(until: MonotonicTime.now + .seconds(-1))
            }
        }
        #expect(looks == 2)
    }

    @Test("Its value is released with it")
    func lifetime() {
        weak var released: Value?
        do {
            let value = Value()
            released = value
            let lock = ConditionLock<Value?>(value)
            #expect(lock.withLock { $0 != nil })
        }
        #expect(released == nil)
    }

    private final class Value: Sendable {}
}
