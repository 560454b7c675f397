import Logging
import PostludeManifest
import PostludeSystem
import Testing

@testable import Postlude

@Suite("TaskQueue")
struct TaskQueueTests {
    private let log = RecordedLog()
    /// The results of `next`.
    private let returned = Record<BackgroundTask?>()

    private func queue(warn: Duration = .seconds(30), deadline: Duration? = nil) -> TaskQueue {
        var limits = Manifest.TaskLimits()
        limits.warn = warn
        limits.deadline = deadline
        return TaskQueue(of: RequestIdentity(id: "r1", route: "/a"), limits: limits, logger: log.logger)
    }

    private func task(_ name: String) -> BackgroundTask { BackgroundTask(name: name, function: .sync {}) }

    private func asyncTask(_ name: String) -> BackgroundTask {
        BackgroundTask(name: name, function: .async {})
    }

    /// Ends the running task successfully, and returns the next one.
    private func next(_ queue: TaskQueue) -> BackgroundTask? {
        if let running = returned.entries.last ?? nil { _ = queue.ended(running) }
        let task: BackgroundTask? = if case .task(let next) = queue.next() { next } else { nil }
        returned.append(task)
        return task
    }

    @Test("returns tasks in the order of their addition, including those added meanwhile")
    func order() {
        let queue = queue()
        #expect(queue.isEmpty)
        queue.add(task("1"))
        queue.add(task("2"))
        #expect(!queue.isEmpty)
        #expect(next(queue)?.name == "1")
        queue.add(task("3"))
        #expect(next(queue)?.name == "2")
        #expect(next(queue)?.name == "3")
        #expect(queue.isEmpty)
        #expect(next(queue) == nil)
        #expect(log.entries.isEmpty)
    }

    @Test("a task that is added after the last one has ended is logged")
    func late() {
        let queue = queue()
        queue.add(task("1"))
        while next(queue) != nil {}
        queue.add(task("late"))
        #expect(next(queue) == nil)
        #expect(queue.unfinishedNames == [])
        #expect(log.entries.count == 1)
        #expect(log.entries[0].level == .error)
        #expect(log.entries[0].metadata == ["task": "late", "request": "r1", "route": "/a"])
    }

    @Test("lists the remaining tasks, the running one first")
    func left() {
        let queue = queue()
        for name in ["1", "2", "3"] { queue.add(task(name)) }
        #expect(queue.unfinishedNames == ["1", "2", "3"])
        _ = next(queue)
        #expect(queue.unfinishedNames == ["1", "2", "3"])
        _ = next(queue)
        #expect(queue.unfinishedNames == ["2", "3"])
        _ = next(queue)
        _ = next(queue)
        #expect(queue.unfinishedNames == [])
    }

    @Test("a hundred thousand tasks take linear time")
    func long() {
        let queue = queue()
        for number in 0..<100_000 { queue.add(task("\(number)")) }
        let start = MonotonicTime.now
        var count = 0
        // Not the fixture, which asks for all tasks that are left.
        while case .task(let task) = queue.next(), task.name == "\(count)" {
            count += 1
            _ = queue.ended(task)
        }
        #expect(count == 100_000)
        // With a cost that grows with the queue it would take minutes.
        #expect(MonotonicTime.now - start < .seconds(20))
    }

    @Test("additions from many child tasks lose none")
    func concurrent() async {
        let queue = queue()
        await withTaskGroup(of: Void.self) { group in
            for child in 0..<50 {
                group.addTask {
                    for number in 0..<20 { queue.add(task("\(child).\(number)")) }
                }
            }
        }
        var names: [String] = []
        while let task = next(queue) { names.append(task.name) }
        #expect(names.count == 1000)
        #expect(Set(names).count == 1000)
        for child in 0..<50 {
            let own = names.filter { $0.hasPrefix("\(child).") }
            #expect(own == (0..<20).map { "\(child).\($0)" })
        }
    }

    // MARK: Time

    @Test("warns once about a task that runs for long")
    func warning() {
        let queue = queue(warn: .seconds(30))
        queue.add(task("slow"))
        let before = MonotonicTime.now
        queue.check(at: before + .seconds(3600))
        #expect(log.entries.isEmpty)
        _ = next(queue)
        let after = MonotonicTime.now
        queue.check(at: before + .milliseconds(29_999))
        #expect(log.entries.isEmpty)
        queue.check(at: after + .seconds(30))
        queue.check(at: after + .seconds(40))
        #expect(log.entries.count == 1)
        #expect(log.entries[0].level == .warning)
        #expect(log.entries[0].metadata["task"] == "slow")
        #expect(log.entries[0].metadata["duration"]?.hasSuffix(" ms") == true)
    }

    @Test("each task has its own time")
    func anew() {
        let queue = queue(warn: .seconds(30))
        queue.add(task("1"))
        queue.add(task("2"))
        for name in ["1", "2"] {
            _ = next(queue)
            queue.check(at: .now + .seconds(31))
            #expect(log.entries.last?.metadata["task"] == name)
        }
        #expect(log.entries.count == 2)
    }

    @Test("a task past its deadline is cancelled once")
    func deadline() async {
        let queue = queue(warn: .seconds(30), deadline: .seconds(60))
        let cancelled = Record<String>()
        let task = asyncTask("slow")
        queue.add(task)
        _ = next(queue)
        queue.setCancellation(of: task) { cancelled.append("slow") }
        let started = MonotonicTime.now
        queue.check(at: started + .seconds(59))
        #expect(cancelled.entries == [])
        queue.check(at: started + .seconds(60))
        queue.check(at: started + .seconds(600))
        await cancellationsAreMade()
        #expect(cancelled.entries == ["slow"])
        #expect(log.entries.map(\.level) == [.warning, .error])
        #expect(log.entries[1].message == "task is past its deadline and was cancelled")
    }

    @Test("a synchronous task past its deadline is logged")
    func synchronous() {
        let queue = queue(deadline: .seconds(1))
        queue.add(task("slow"))
        _ = next(queue)
        queue.check(at: .now + .seconds(2))
        queue.check(at: .now + .seconds(3))
        #expect(
            log.entries.map(\.message) == [
                "task is past its deadline; it is synchronous and cannot be interrupted"
            ])
    }

    @Test("the next task is not cancelled for the previous one")
    func nextTask() async {
        let queue = queue(deadline: .seconds(60))
        let cancelled = Record<String>()
        let task = asyncTask("1")
        queue.add(task)
        queue.add(asyncTask("2"))
        _ = next(queue)
        queue.setCancellation(of: task) { cancelled.append("1") }
        _ = next(queue)
        queue.check(at: .now + .seconds(61))
        await cancellationsAreMade()
        #expect(cancelled.entries == [])
        #expect(log.entries.last?.metadata["task"] == "2")
    }

    @Test("a task that passes its deadline before it can be cancelled is cancelled as soon as it can be")
    func cancellationAfterDeadline() {
        let queue = queue(deadline: .milliseconds(1))
        let cancelled = Record<String>()
        let task = asyncTask("slow")
        queue.add(task)
        _ = next(queue)
        queue.check(at: .now + .seconds(1))
        queue.setCancellation(of: task) { cancelled.append("slow") }
        #expect(cancelled.entries == ["slow"])
        #expect(log.entries.map(\.message) == ["task is past its deadline and was cancelled"])
    }

    @Test("a task's own deadline overrides the route's")
    func ownDeadline() {
        let queue = queue(deadline: .seconds(60))
        let task = BackgroundTask(
            name: "1", options: TaskOptions(deadline: .milliseconds(100)), function: .sync {})
        queue.add(task)
        _ = next(queue)
        queue.check(at: .now)
        #expect(!task.isPastDeadline)
        queue.check(at: .now + .milliseconds(101))
        #expect(task.isPastDeadline)
        #expect(
            queue.registry.tickMilliseconds(1000) == 25, "the control thread looks at the clock often enough")
    }

    @Test("nothing is checked after the last task")
    func over() {
        let queue = queue(warn: .zero, deadline: .zero)
        queue.add(task("1"))
        while next(queue) != nil {}
        queue.check(at: .now + .seconds(3600))
        #expect(log.entries.isEmpty)
    }

    @Test(
        "durations have one decimal",
        arguments: [
            (Duration.zero, "0.0"), (.microseconds(1549), "1.5"), (.seconds(3), "3000.0"),
            (.nanoseconds(99_999), "0.0"),
        ])
    func durations(duration: Duration, text: String) {
        #expect(duration.milliseconds == text)
    }
}
