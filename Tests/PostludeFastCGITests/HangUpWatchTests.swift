import Glibc
import PostludeSystem
import Synchronization
import Testing

@testable import PostludeFastCGI

@Suite("HangUpWatch")
struct HangUpWatchTests {
    /// How often a closure was called.
    private final class Calls: Sendable {
        private let number = Atomic<Int>(0)
        var count: Int { number.load(ordering: .sequentiallyConsistent) }
        func add() { number.add(1, ordering: .sequentiallyConsistent) }
    }

    private let calls = Calls()

    private func watch(_ connection: Connection, of fixture: PollerFixture) -> HangUpWatch {
        fixture.poller.watchHangUp(of: connection) { [calls] in calls.add() }
    }

    /// A connection whose request was taken: its first request, or a later one, when the poller already knows
    /// the connection.
    private func hold(_ fixture: PollerFixture, isKept: Bool = false) throws -> (Int32, Connection) {
        let client = try fixture.connect()
        if isKept {
            send(Wire.request(), to: client)
            try fixture.answerNext()
        }
        send(Wire.request(), to: client)
        return try (client, fixture.takeNext())
    }

    @Test("an event reports a connection that a worker holds", arguments: [false, true])
    func event(isKept: Bool) throws {
        let fixture = try PollerFixture()
        let (client, connection) = try hold(fixture, isKept: isKept)
        let watch = watch(connection, of: fixture)
        close(client)
        fixture.takeEvents { calls.count == 1 }
        fixture.poller.checkHangUps()
        watch.end()
        #expect(calls.count == 1)
        // The poller has not forgotten the event.
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
        fixture.takeEvents { fixture.poller.connectionCount == 0 }
    }

    @Test("if every worker is busy, the control thread finds it, and the event after that calls nothing")
    func controlThread() throws {
        let fixture = try PollerFixture()
        let (client, connection) = try hold(fixture, isKept: true)
        let other = try hold(fixture)
        defer { close(other.0) }
        let watch = watch(connection, of: fixture)
        let silent = fixture.poller.watchHangUp(of: other.1) { Issue.record("the other one is open") }
        fixture.poller.checkHangUps()
        #expect(calls.count == 0)
        close(client)
        fixture.poller.checkHangUps()
        #expect(calls.count == 1)
        _ = fixture.next(milliseconds: 10)
        fixture.poller.checkHangUps()
        #expect(calls.count == 1)
        watch.end()
        silent.end()
    }

    @Test("reports the hang-up that came first", arguments: [false, true])
    func before(isEventTaken: Bool) throws {
        let fixture = try PollerFixture()
        let (client, connection) = try hold(fixture, isKept: true)
        close(client)
        if isEventTaken { _ = fixture.next(milliseconds: 10) }
        let watch = watch(connection, of: fixture)
        #expect(calls.count == 1)
        watch.end()
    }

    @Test("a half-close is a hang-up, more bytes are not")
    func halfClose() throws {
        let fixture = try PollerFixture()
        let (client, connection) = try hold(fixture)
        defer { close(client) }
        let watch = watch(connection, of: fixture)
        send([1], to: client)
        _ = fixture.next(milliseconds: 10)
        fixture.poller.checkHangUps()
        #expect(calls.count == 0)
        shutdown(client, Int32(SHUT_WR))
        fixture.takeEvents { calls.count == 1 }
        watch.end()
    }

    private enum Ending: CaseIterable {
        case end, deinitialize, giveBack, second
    }

    @Test("calls nothing after it has ended", arguments: Ending.allCases)
    private func ended(by ending: Ending) throws {
        let fixture = try PollerFixture()
        let (client, connection) = try hold(fixture)
        var watch: HangUpWatch? = watch(connection, of: fixture)
        var second: HangUpWatch?
        let secondCalls = Calls()
        switch ending {
        case .end: watch?.end()
        case .deinitialize: watch = nil
        case .giveBack: fixture.poller.giveBack(connection, keep: true, isOpen: true)
        case .second:
            second = fixture.poller.watchHangUp(of: connection) { secondCalls.add() }
            // Its handle is stale, and must not end the second watch.
            watch?.end()
        }
        close(client)
        fixture.poller.checkHangUps()
        _ = fixture.next(milliseconds: 10)
        #expect(calls.count == 0)
        #expect(secondCalls.count == (second == nil ? 0 : 1))
        withExtendedLifetime((watch, second)) {}
    }

    @Test("can be ended by its own closure")
    func endsItself() throws {
        let fixture = try PollerFixture()
        let (client, connection) = try hold(fixture)
        let holder = WatchHolder()
        let watch = fixture.poller.watchHangUp(of: connection) { [calls] in
            calls.add()
            holder.take()?.end()
        }
        holder.put(watch)
        close(client)
        fixture.poller.checkHangUps()
        #expect(calls.count == 1)
    }

    private final class WatchHolder: Sendable {
        private let watch = Lock<HangUpWatch?>(nil)
        func put(_ new: HangUpWatch) { watch.withLock { $0 = new } }
        func take() -> HangUpWatch? { watch.withLock { $0 } }
    }

    @Test("end waits for a closure that runs on another thread", arguments: [true, false])
    func race(isRunning: Bool) throws {
        let fixture = try PollerFixture()
        for _ in 0..<50 {
            let (client, connection) = try hold(fixture)
            let slow = SlowClosure()
            let watch = fixture.poller.watchHangUp(of: connection) { slow.run() }
            close(client)
            let thread = try TestThread { [poller = fixture.poller] in poller.checkHangUps() }
            while isRunning, !slow.hasBegun { sched_yield() }
            watch.end()
            slow.noteEnd()
            thread.join()
            #expect(slow.hasBegun || !isRunning)
            #expect(!slow.wasLate)
            fixture.poller.giveBack(connection, keep: false, isOpen: true)
            fixture.takeEvents { fixture.poller.connectionCount == 0 }
        }
    }

    /// Takes longer than ending a watch, and records whether it outlived the watch.
    private final class SlowClosure: Sendable {
        private let begun = Atomic<Bool>(false)
        private let ended = Atomic<Bool>(false)
        private let late = Atomic<Bool>(false)
        var hasBegun: Bool { begun.load(ordering: .sequentiallyConsistent) }
        var wasLate: Bool { late.load(ordering: .sequentiallyConsistent) }

        func noteEnd() { ended.store(true, ordering: .sequentiallyConsistent) }

        func run() {
            begun.store(true, ordering: .sequentiallyConsistent)
            usleep(1000)
            late.store(ended.load(ordering: .sequentiallyConsistent), ordering: .sequentiallyConsistent)
        }
    }

    @Test("works on a Unix socket")
    func unixSocket() {
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        defer { close(ends[0]) }
        let watches = HangUpWatches()
        watches.add(HangUpWatches.Entry(token: 1, descriptor: ends[0]) { [calls] in calls.add() })
        watches.checkAll()
        #expect(calls.count == 0)
        close(ends[1])
        for _ in 0..<2 { watches.checkAll() }
        #expect(calls.count == 1)
    }

    @Test("a connection whose descriptor libfcgi has closed has hung up")
    func forgotten() throws {
        let fixture = try PollerFixture()
        let (client, connection) = try hold(fixture)
        defer { close(client) }
        connection.forgetDescriptor()
        let watch = watch(connection, of: fixture)
        #expect(calls.count == 1)
        watch.end()
    }
}
