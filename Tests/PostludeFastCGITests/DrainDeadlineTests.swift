import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("DrainDeadline")
struct DrainDeadlineTests {
    @Test("There is none until one is set, and then the earliest counts")
    func earliest() {
        let deadline = DrainDeadline()
        #expect(deadline.time == nil)
        for (given, expected) in [(500, 500), (700, 500), (300, 300)] as [(Int64, Int64)] {
            deadline.set(MonotonicTime(nanoseconds: given))
            #expect(deadline.time == MonotonicTime(nanoseconds: expected))
        }
    }
}
