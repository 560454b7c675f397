import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

/// The control thread's part while every worker is busy: no thread of these tests waits in `next`.
@Suite("Overload")
struct OverloadTests {
    private func collect(_ fixture: PollerFixture, within time: Duration = .seconds(1)) {
        fixture.poller.collectWaiting(reading: ReadBuffer(), within: time) { _ in .collect(limit: 1 << 20) }
    }

    private func refuse(_ fixture: PollerFixture, after time: Duration) -> Int {
        fixture.poller.refuseWaiting(at: .now + time, with: .serviceUnavailable(retryAfter: .seconds(5)))
    }

    @Test("a request that has waited for too long is answered 503, and its connection is kept")
    func refused() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        for _ in 0..<2 {
            send(Wire.request(), to: client)
            collect(fixture)
            #expect(fixture.poller.hasWaitingRequests)
            #expect(refuse(fixture, after: .zero) == 0)
            #expect(refuse(fixture, after: .seconds(2)) == 1)
            #expect(!fixture.poller.hasWaitingRequests)
            #expect(received(client).contains("Status: 503 Service Unavailable\r\n"))
        }
        send(Wire.request(), to: client)
        try fixture.answerNext()
        #expect(fixture.poller.connectionCount == 1)
    }

    @Test("a connection that was not to be kept is closed after its response")
    func refusedAndClosed() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(keep: false), to: client)
        collect(fixture)
        #expect(refuse(fixture, after: .seconds(2)) == 1)
        #expect(received(client).contains("Retry-After: 5\r\n"))
        #expect(isClosed(client))
    }

    @Test("a worker that is free again takes the waiting requests first, in their order")
    func order() throws {
        let fixture = try PollerFixture()
        let clients = try (0..<5).map { _ in try fixture.connect() }
        defer { for client in clients { close(client) } }
        for (number, client) in clients.enumerated() {
            send(Wire.request([("NUMBER", "\(number)")]), to: client)
            if number < 4 { collect(fixture) }
        }
        for number in 0..<5 {
            guard case .request(let connection) = fixture.next() else {
                Issue.record("request \(number) was lost")
                return
            }
            #expect(connection.takeRequest().head.string("NUMBER") == "\(number)")
            fixture.poller.giveBack(connection, keep: true, isOpen: true)
        }
        guard case .nothing = fixture.next(milliseconds: 50) else {
            Issue.record("there were five requests")
            return
        }
        #expect(refuse(fixture, after: .seconds(100)) == 0)
    }

    @Test("half a request is not answered before it is complete")
    func halfRequest() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        let request = Wire.post("body")
        send(Array(request.dropLast(9)), to: client)
        collect(fixture)
        #expect(!fixture.poller.hasWaitingRequests && refuse(fixture, after: .seconds(5)) == 0)
        send(Array(request.suffix(9)), to: client)
        collect(fixture)
        #expect(refuse(fixture, after: .seconds(5)) == 1)
    }

    @Test("a streamed request is refused at its head, and its body dropped")
    func streamed() throws {
        let fixture = try PollerFixture(policy: .stream(limit: 1 << 20))
        let client = try fixture.connect()
        defer { close(client) }
        let request = Wire.post("0123456789")
        send(Array(request.dropLast(20)), to: client)
        fixture.poller.collectWaiting(reading: ReadBuffer(), within: .zero) { _ in .stream(limit: 1 << 20) }
        #expect(refuse(fixture, after: .seconds(1)) == 1)
        send(Array(request.suffix(20)) + Wire.request([("NUMBER", "2")]), to: client)
        guard case .request(let connection) = fixture.next() else {
            Issue.record("the next request was lost")
            return
        }
        #expect(connection.takeRequest().head.string("NUMBER") == "2")
        fixture.poller.giveBack(connection, keep: true, isOpen: true)
    }

    @Test("waiting requests are served while the process drains")
    func draining() throws {
        let fixture = try PollerFixture()
        let client = try fixture.connect()
        defer { close(client) }
        send(Wire.request(), to: client)
        collect(fixture)
        fixture.poller.drain()
        #expect(!fixture.poller.hasStopped)
        try fixture.answerNext()
        guard case .stopped = fixture.next() else {
            Issue.record("nothing is left")
            return
        }
    }

    @Test("a kept connection is first offered to the other processes, then its request is read here")
    func siblings() throws {
        let first = try PollerFixture(handover: HandoverQueue())
        let second = try PollerFixture(sibling: first)
        let clients = try (0..<2).map { _ in try first.connect() }
        defer { for client in clients { close(client) } }
        for client in clients {
            send(Wire.request(), to: client)
            try first.answerNext()
        }
        send(Wire.request(), to: clients[0])
        collect(first)
        #expect(!first.poller.hasWaitingRequests)
        try second.answerNext()
        // The other process has no free worker either.
        send(Wire.request(), to: clients[1])
        collect(first)
        #expect(!first.poller.hasWaitingRequests)
        collect(first)
        #expect(first.poller.hasWaitingRequests)
        #expect(refuse(first, after: .seconds(2)) == 1)
        #expect(received(clients[1]).contains("Status: 503"))
    }

    @Test("with two workers that come and go, each of many requests is answered once")
    func race() throws {
        let fixture = try PollerFixture()
        let clients = try (0..<8).map { _ in try fixture.connect() }
        defer { for client in clients { close(client) } }
        let served = Lock(0)
        let isOver = Lock(false)
        func worker() throws -> TestThread {
            try TestThread {
                while true {
                    switch fixture.next(milliseconds: 1500) {
                    case .request(let connection):
                        let (head, _) = connection.takeRequest()
                        let isSent = ShortResponse.requestTimeout().send(to: head, on: connection)
                        served.withLock { $0 += 1 }
                        usleep(200)
                        fixture.poller.giveBack(connection, keep: isSent, isOpen: true)
                    case .refused, .called, .nothing, .stopped: return
                    }
                }
            }
        }
        let controlThread = try TestThread {
            while !isOver.withLock({ $0 }) {
                fixture.poller.collectWaiting(reading: ReadBuffer(), within: .milliseconds(2)) { _ in
                    .collect(limit: 0)
                }
                let refused = fixture.poller.refuseWaiting(at: .now, with: .requestTimeout())
                served.withLock { $0 += refused }
                usleep(100)
            }
        }
        let workers = try [worker(), worker()]
        for _ in 0..<100 {
            for client in clients { send(Wire.request(), to: client) }
            for client in clients { #expect(received(client).contains("Status: 408")) }
        }
        for worker in workers { worker.join() }
        isOver.withLock { $0 = true }
        controlThread.join()
        #expect(served.withLock { $0 } == 800)
    }

    @Test("a request that was offered to other processes, all of which are busy, is refused in time as well")
    func offered() throws {
        let first = try PollerFixture(handover: HandoverQueue())
        let second = try PollerFixture(sibling: first)
        let clients = try (0..<4).map { _ in try first.connect() }
        defer { for client in clients { close(client) } }
        for client in clients {
            send(Wire.request(), to: client)
            try first.answerNext()
        }
        // There is always one more connection to offer.
        for client in clients {
            send(Wire.request(), to: client)
            collect(first)
        }
        #expect(refuse(first, after: .seconds(2)) + refuse(second, after: .seconds(2)) >= clients.count - 1)
        #expect(received(clients[0]).contains("Status: 503 Service Unavailable\r\n"))
    }
}
