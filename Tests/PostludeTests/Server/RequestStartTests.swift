import Testing

@testable import Postlude

@Suite("RequestStart")
struct RequestStartTests {
    @Test("nginx's $msec is read exactly, and nothing else is read as a time")
    func text() {
        func read(_ text: String) -> Int64? { RequestStart.nanoseconds(Array(text.utf8)[...]) }
        #expect(read("1800000000.123") == 1_800_000_000_123_000_000)
        #expect(read("1800000000") == 1_800_000_000_000_000_000)
        #expect(read("1800000000.000000001") == 1_800_000_000_000_000_001)
        for text in [
            "", ".", "0", "0.5", ".5", "5.", "-5", "+5", "1e9", "1.2.3", "t=1800000000", " 1",
            "1800000000.1 ",
            "18000000000", "99999999999999999999", "1.0000000001", "1800000000.0000000001", "١",
        ] { #expect(read(text) == nil, "\(text)") }
    }

    @Test("A wait is never negative, and there is none if the clocks differ")
    func wait() {
        let second: Int64 = 1_000_000_000
        #expect(RequestStart.wait(since: 5 * second, until: 7 * second) == .seconds(2))
        #expect(RequestStart.wait(since: 7 * second, until: 5 * second) == .zero)
        #expect(RequestStart.wait(since: second, until: 3602 * second) == nil)
        #expect(RequestStart.wait(since: 3602 * second, until: second) == nil)
    }
}
