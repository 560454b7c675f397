import Foundation
import Postlude
import PostludeCelery
import PostludeDurable

/// The application with a broker that the end-to-end tests drive. It logs events to files in its working
/// directory, the test's own folder. Gates are files there, too.
@main
struct CeleryTestbed: Application {
    init() {}

    var handlers: Handlers {
        Handler("hello") { () in "hello" }
        Handler("send", send)
        Handler("add", add)
    }

    var taskEngine: TaskEngine? {
        .durable(through: .celery) {
            Echo.self
            Note.self
            Answer.self
            Remind.self
            Flaky.self
            Slow.self
            Left.self
            Count.self
            Charge.self
            SendReceipt.self
            Cleanup.self
            Render.self
            Sync.self
        }
    }

    func start() async throws { note("started") }
    func stop() async throws { note("stopped") }
    func taskFailed(_ failure: TaskFailure) { note("\(failure.taskName) failed after \(failure.attempts)") }
}

/// Lines for the tests, each appended in one write, so that they stay whole.
func note(_ line: String, in file: String = "events") {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    precondition(descriptor >= 0, "cannot open \(file): \(String(cString: strerror(errno)))")
    let bytes = Array((line + "\n").utf8)
    let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
    precondition(written == bytes.count, "cannot write to \(file)")
    close(descriptor)
}
