import PostludeSystem
import PostludeThreads
import Testing

@Suite("WorkerPool")
struct WorkerPoolTests {
    private static func bounds(_ minimum: Int, _ maximum: Int, reserved: Int = 0) -> WorkerPool.Bounds {
        WorkerPool.Bounds(minimum: minimum, maximum: maximum, reservedForRequests: reserved)
    }

    /// A pool without workers, whose task slots a test requests.
    private static func slots(_ maximum: Int, reserved: Int) -> WorkerPool {
        WorkerPool(bounds: bounds(0, maximum, reserved: reserved), onEmpty: {}, body: { _, _ in false })
    }

    // MARK: Threads

    @Test("starts the minimum, each worker on its own thread with its own executor")
    func minimum() async throws {
        let staff = Staff(Self.bounds(3, 5))
        try staff.pool.start()
        try await onThread { staff.awaitArrivals(3) }
        #expect(Set(staff.threads.entries).count == 3)
        #expect(Set(staff.executors.entries).count == 3)
        #expect(staff.pool.canGrow)
        try await staff.dismiss()
        #expect(staff.threads.entries.count == 3)
    }

    @Test("grows to the maximum and no further")
    func maximum() async throws {
        let staff = Staff(Self.bounds(1, 3))
        try staff.pool.start()
        #expect(try staff.pool.grow())
        #expect(staff.pool.canGrow)
        #expect(try staff.pool.grow())
        #expect(!staff.pool.canGrow)
        #expect(try !staff.pool.grow())
        try await onThread { staff.awaitArrivals(3) }
        try await staff.dismiss()
        #expect(staff.threads.entries.count == 3)
    }

    @Test("workers above the minimum may retire")
    func retire() async throws {
        let staff = Staff(Self.bounds(2, 4))
        try staff.pool.start()
        #expect(!staff.retire())
        try staff.pool.grow()
        try staff.pool.grow()
        #expect(staff.retire())
        #expect(staff.retire())
        #expect(!staff.retire())
        try await staff.dismiss()
    }

    @Test("a retired worker makes room for another one, which gets its executor")
    func regrowth() async throws {
        let staff = Staff(Self.bounds(0, 1))
        for _ in 0..<3 {
            #expect(try staff.pool.grow())
            #expect(!staff.pool.canGrow)
            #expect(staff.retire())
            try await staff.dismiss()
            #expect(staff.pool.canGrow)
            #expect(!staff.retire())
        }
        #expect(staff.executors.entries.count == 3)
        #expect(Set(staff.executors.entries).count == 1)
    }

    @Test("onEmpty is called once, by the last worker that ends")
    func empty() async throws {
        let staff = Staff(Self.bounds(4, 4))
        try staff.pool.start()
        try await onThread { staff.awaitArrivals(4) }
        #expect(staff.emptied.entries.isEmpty)
        try await staff.dismiss()
        #expect(staff.emptied.entries.count == 1)
        #expect(staff.threads.entries.contains(staff.emptied.entries[0]))
    }

    // MARK: Task slots

    @Test("every worker may run tasks if none is reserved")
    func noReserve() {
        let pool = Self.slots(2, reserved: 0)
        #expect(pool.beginTasks {})
        #expect(pool.beginTasks {})
        #expect(!pool.beginTasks {})
    }

    @Test("the reserved workers run no tasks while the others do")
    func reserve() {
        let pool = Self.slots(3, reserved: 1)
        #expect(pool.beginTasks {})
        #expect(pool.beginTasks {})
        #expect(!pool.beginTasks {})
        pool.endTasks()
        #expect(pool.beginTasks {})
        #expect(!pool.beginTasks {})
    }

    @Test("all refused callers are notified when a slot is free, each of them once")
    func whenFree() {
        let pool = Self.slots(2, reserved: 1)
        let told = Record<String>()
        #expect(pool.beginTasks { told.append("never") })
        #expect(!pool.beginTasks { told.append("first") })
        #expect(!pool.beginTasks { told.append("second") })
        #expect(told.entries == [])
        pool.endTasks()
        #expect(told.entries == ["first", "second"])
        #expect(pool.beginTasks { told.append("never") })
        pool.endTasks()
        #expect(told.entries == ["first", "second"])
    }

    @Test("it reports once that no more workers may run tasks, and once that more may again")
    func taskRoom() throws {
        let told = Record<Bool>()
        let pool = WorkerPool(
            bounds: Self.bounds(0, 3, reserved: 1), onEmpty: {}, onTaskRoom: { told.append($0) },
            body: { _, _ in false })
        #expect(pool.beginTasks {})
        #expect(told.entries == [])
        #expect(pool.beginTasks {})
        #expect(told.entries == [false])
        #expect(!pool.beginTasks {})
        pool.endTasks()
        pool.endTasks()
        #expect(told.entries == [false, true])
        try pool.use(Self.bounds(0, 1))
        #expect(pool.beginTasks {})
        try pool.use(Self.bounds(0, 2))
        #expect(told.entries == [false, true, false, true])
    }

    @Test("a notified caller may ask again at once")
    func askAgain() {
        let pool = Self.slots(2, reserved: 1)
        let answers = Record<Bool>()
        #expect(pool.beginTasks {})
        #expect(!pool.beginTasks { answers.append(pool.beginTasks {}) })
        pool.endTasks()
        #expect(answers.entries == [true])
    }

    @Test("slots are counted correctly if many threads ask at once")
    func contention() async throws {
        let pool = Self.slots(3, reserved: 1)
        let gauge = Gauge()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await onThread {
                        var granted = 0
                        for _ in 0..<2_000 where pool.beginTasks(whenFree: {}) {
                            gauge.rise()
                            gauge.fall()
                            pool.endTasks()
                            granted += 1
                        }
                        return granted
                    }
                }
            }
            let granted = try await group.reduce(0, +)
            #expect(granted > 0)
        }
        #expect((1...2).contains(gauge.highest))
        #expect(pool.beginTasks {})
        #expect(pool.beginTasks {})
        #expect(!pool.beginTasks {})
    }

    /// The current number, and the maximum.
    private final class Gauge: Sendable {
        private let values = Lock((now: 0, highest: 0))
        var highest: Int { values.withLock { $0.highest } }

        func rise() {
            values.withLock { values in
                values.now += 1
                values.highest = max(values.highest, values.now)
            }
        }

        func fall() { values.withLock { $0.now -= 1 } }
    }
}
