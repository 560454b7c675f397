import Linux
import Logging
import Manifest
import Testing

@testable import Postlude

@Suite("TaskQueue")
struct TaskQueueTests {
    private let log = RecordedLog()

    private func queue(warn: Duration = .seconds(30), deadline: Duration? = nil) -> TaskQueue {
        var limits = Manifest.TaskLimits()
        limits.warn = warn
        limits.deadline = deadline
        return TaskQueue(requestID: "r1", route: "/a", limits: limits, logger: log.logger)
    }

    private func task(_ name: String) -> BackgroundTask { BackgroundTask(name: name, function: .sync {}) }

    private func asyncTask(_ name: String) -> BackgroundTask {
        BackgroundTask(name: name, function: .async {})
    }

    @Test("hands out tasks in the order in which they were added, also those added meanwhile")
    func order() {
        let queue = queue()
        #expect(queue.isEmpty)
        queue.add(task("1"))
        queue.add(task("2"))
        #expect(!queue.isEmpty)
        #expect(queue.next()?.name == "1")
        queue.add(task("3"))
        #expect(queue.next()?.name == "2")
        #expect(queue.next()?.name == "3")
        #expect(queue.isEmpty)
        #expect(queue.next() == nil)
        #expect(log.entries.isEmpty)
    }

    @Test("a task that is added after the last one has ended is logged, not lost in silence")
    func late() {
        let queue = queue()
        queue.add(task("1"))
        while queue.next() != nil {}
        queue.add(task("late"))
        #expect(queue.next() == nil)
        #expect(queue.left == [])
        #expect(log.entries.count == 1)
        #expect(log.entries[0].level == .error)
        #expect(log.entries[0].metadata == ["task": "late", "request": "r1", "route": "/a"])
    }

    @Test("says what is left, the running task first")
    func left() {
        let queue = queue()
        for name in ["1", "2", "3"] { queue.add(task(name)) }
        #expect(queue.left == ["1", "2", "3"])
        _ = queue.next()
        #expect(queue.left == ["1", "2", "3"])
        _ = queue.next()
        #expect(queue.left == ["2", "3"])
        _ = queue.next()
        _ = queue.next()
        #expect(queue.left == [])
    }

    @Test("tasks of a handler that failed are dropped, and none can follow")
    func drop() {
        let queue = queue()
        queue.add(task("1"))
        queue.add(task("2"))
        #expect(queue.drop() == ["1", "2"])
        #expect(queue.drop() == [])
        queue.add(task("late"))
        #expect(queue.next() == nil)
        #expect(log.entries.count == 1)
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
        while let task = queue.next() { names.append(task.name) }
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
        _ = queue.next()
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
            _ = queue.next()
            queue.check(at: .now + .seconds(31))
            #expect(log.entries.last?.metadata["task"] == name)
        }
        #expect(log.entries.count == 2)
    }

    @Test("a task past its deadline is cancelled once")
    func deadline() {
        let queue = queue(warn: .seconds(30), deadline: .seconds(60))
        let cancelled = Record<String>()
        queue.add(asyncTask("slow"))
        _ = queue.next()
        queue.setCancellation { cancelled.append("slow") }
        let started = MonotonicTime.now
        queue.check(at: started + .seconds(59))
        #expect(cancelled.entries == [])
        queue.check(at: started + .seconds(60))
        queue.check(at: started + .seconds(600))
        #expect(cancelled.entries == ["slow"])
        #expect(log.entries.map(\.level) == [.warning, .error])
        #expect(log.entries[1].message == "task is past its deadline and was cancelled")
    }

    @Test("a synchronous task past its deadline is logged")
    func synchronous() {
        let queue = queue(deadline: .seconds(1))
        queue.add(task("slow"))
        _ = queue.next()
        queue.check(at: .now + .seconds(2))
        queue.check(at: .now + .seconds(3))
        #expect(
            log.entries.map(\.message) == [
                "task is past its deadline; it is synchronous and cannot be cancelled"
            ])
    }

    @Test("the next task is not cancelled for the one before")
    func nextTask() {
        let queue = queue(deadline: .seconds(60))
        let cancelled = Record<String>()
        queue.add(asyncTask("1"))
        queue.add(asyncTask("2"))
        _ = queue.next()
        queue.setCancellation { cancelled.append("1") }
        _ = queue.next()
        queue.check(at: .now + .seconds(61))
        #expect(cancelled.entries == [])
        #expect(log.entries.last?.metadata["task"] == "2")
    }

    @Test("a task that is past its deadline before it can be cancelled is cancelled then")
    func cancellationAfterDeadline() {
        let queue = queue(deadline: .milliseconds(1))
        let cancelled = Record<String>()
        queue.add(asyncTask("slow"))
        _ = queue.next()
        queue.check(at: .now + .seconds(1))
        queue.setCancellation { cancelled.append("slow") }
        #expect(cancelled.entries == ["slow"])
        #expect(log.entries.map(\.message) == ["task is past its deadline and was cancelled"])
    }

    @Test("nothing is checked after the last task")
    func over() {
        let queue = queue(warn: .zero, deadline: .zero)
        queue.add(task("1"))
        while queue.next() != nil {}
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
