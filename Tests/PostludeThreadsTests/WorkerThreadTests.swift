import Foundation
import Testing

@testable import PostludeThreads

@Suite("WorkerThread")
struct WorkerThreadTests {
    @Test("runs its function on another thread, and join waits for the end")
    func join() throws {
        let threads = Record<UInt>()
        let thread = try WorkerThread(name: "joined") { threads.append(currentThread()) }
        thread.join()
        #expect(threads.entries.count == 1)
        #expect(threads.entries != [currentThread()])
    }

    @Test(
        "debuggers see the name, up to the kernel's limit",
        arguments: [
            ("worker 7", "worker 7"), ("a name of more than fifteen bytes", "a name of more "),
        ])
    func name(given: String, kept: String) throws {
        let names = Record<String>()
        let thread = try WorkerThread(name: given) {
            names.append((try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? "")
        }
        thread.join()
        #expect(names.entries == [kept + "\n"])
    }

    @Test("the objects that it holds are released when it has ended")
    func release() throws {
        final class Held: Sendable {}
        weak var held: Held?
        let thread: WorkerThread
        do {
            let object = Held()
            held = object
            thread = try WorkerThread(name: "held") { _ = object }
        }
        thread.join()
        #expect(held == nil)
    }

    @Test("the error says what failed and what to do")
    func error() {
        let text = ThreadError(errno: EAGAIN).description
        #expect(text.contains("pthread_create: Resource temporarily unavailable (errno 11)"))
        #expect(text.contains("workers.max"))
    }
}
