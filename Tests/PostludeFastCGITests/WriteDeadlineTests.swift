import Glibc
import PostludeFastCGI
import PostludeSystem
import Testing

@Suite("WriteDeadline")
struct WriteDeadlineTests {
    private let ends: [Int32]
    private let deadline = WriteDeadline()

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        self.ends = ends
    }

    private func canWrite() -> Bool {
        send(ends[0], "a", 1, Int32(MSG_NOSIGNAL)) == 1
    }

    @Test("A late write is ended once, and sees an error at once")
    func late() {
        defer { for end in ends { close(end) } }
        deadline.start(ends[0], within: .seconds(60))
        #expect(!deadline.expire(at: .now))
        #expect(canWrite())
        #expect(deadline.expire(at: .now + .seconds(61)))
        #expect(!canWrite())
        #expect(!deadline.expire(at: .now + .seconds(61)))
    }

    @Test("A write that has ended is not touched, nor is a deadline that was never set")
    func stopped() {
        defer { for end in ends { close(end) } }
        #expect(!deadline.expire(at: .now + .seconds(61)))
        deadline.start(ends[0], within: .seconds(60))
        deadline.stop()
        #expect(!deadline.expire(at: .now + .seconds(61)))
        #expect(canWrite())
    }
}
