import PostludeSystem
import Testing

@testable import Postlude

@Suite("OpenStreams")
struct OpenStreamsTests {
    private final class Count: Sendable {
        private let value = Lock(0)

        func add() { value.withLock { $0 += 1 } }
        var current: Int { value.withLock { $0 } }
    }

    @Test("a process that drains ends its open streams once, and later ones at once")
    func end() async {
        let (streams, open, closed, late) = (OpenStreams(), Count(), Count(), Count())
        _ = streams.add(open.add)
        streams.remove(streams.add(closed.add))
        #expect(!streams.isEnding && open.current == 0)
        streams.end()
        await cancellationsAreMade()
        #expect(streams.isEnding && open.current == 1 && closed.current == 0)
        _ = streams.add(late.add)
        #expect(late.current == 1)
    }
}
