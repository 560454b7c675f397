import Glibc
import PostludeFastCGI
import PostludeManifest
import PostludeScoreboard
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("HandlerInvocation: which thread answers", .timeLimit(.minutes(10)))
struct HandlerInvocationTests {
    /// A poller, and a web server's end of one connection to it.
    private final class Wire: Sendable {
        let poller: Poller
        let server: Int32

        init() throws {
            let listener = try Listener.open(SocketAddress(parsing: "127.0.0.1:0"))
            poller = try Poller(
                listener: listener, webServers: WebServers(nil), limits: GateLimits(),
                times: ConnectionTimes(), width: 1, onNoneWaiting: {}, report: { _ in })
            server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
            guard case .ipv4(_, let port) = listener.address else { throw ListenError.noSocket }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { [server] in
                    Glibc.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(result == 0)
        }

        deinit { close(server) }

        /// The connection with a new request on it.
        func take() throws -> Connection {
            let pair: [UInt8] =
                [14, 3] + Array("REQUEST_METHODGET".utf8) + [11, 1] + Array("REQUEST_URI/".utf8)
            let records: [[UInt8]] = [
                [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
                [1, 4, 0, 1, 0, UInt8(pair.count), 0, 0] + pair, [1, 4, 0, 1, 0, 0, 0, 0],
                [1, 5, 0, 1, 0, 0, 0, 0],
            ]
            let bytes = records.flatMap { $0 }
            try #require(send(server, bytes, bytes.count, 0) == bytes.count)
            guard
                case .request(let connection) = poller.next(
                    reading: ReadBuffer(), waiting: 5000,
                    bodyPolicy: {
                        _ in .ignore
                    })
            else { throw RequestFixture.Failure(reason: "no request") }
            _ = connection.takeRequest()
            return connection
        }

        func received(_ flags: Int32 = 0) -> String {
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = recv(server, &bytes, bytes.count, flags)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
    }

    private func run(
        on connection: Connection, at start: MonotonicTime, _ change: (inout Manifest.Limits) -> Void
    ) throws -> HandlerInvocation {
        var limits = Manifest.Limits()
        change(&limits)
        let route = Router.Route(
            pattern: "/", handler: Handler("handler") {}, middleware: [], limits: limits,
            tasks: Manifest.TaskLimits())
        return HandlerInvocation(
            of: try RequestFixture().request(), on: connection, route: route, readsConnection: false,
            at: start)
    }

    @Test("the worker, if the handler is in time; the control thread does nothing from then on")
    func worker() throws {
        let wire = try Wire()
        let start = MonotonicTime.now
        let run = try run(on: wire.take(), at: start) { $0.requestTimeout = .seconds(1) }
        #expect(!run.answerIfOverdue(at: start + .milliseconds(999), poller: wire.poller))
        #expect(run.claimAnswer().isWorker)
        #expect(!run.answerIfOverdue(at: start + .seconds(2), poller: wire.poller))
        #expect(!run.cancellation.isCancelled)
        #expect(wire.received(Int32(MSG_DONTWAIT)) == "")
    }

    @Test("the control thread after the timeout, with 504, and the connection serves the next request")
    func controlThread() throws {
        let wire = try Wire()
        let start = MonotonicTime.now
        let run = try run(on: wire.take(), at: start) { $0.requestTimeout = .seconds(1) }
        let board = try Scoreboard(program: "shop", processes: 1, workers: 1, isShared: false)
        let process = board.process(at: 0)
        #expect(run.answerIfOverdue(at: start + .seconds(1), poller: wire.poller, process: process))
        #expect(!run.answerIfOverdue(at: start + .seconds(2), poller: wire.poller, process: process))
        process?.begin(generation: 1)
        let totals = board.snapshot().totals
        #expect(totals[.timedOut] == 1 && totals.requests == 1 && totals.requestTimes.total == 1)
        #expect(totals.routes["/"]?.answers[.serverError] == 1)
        #expect(run.cancellation.isCancelled && run.isDelivered)
        #expect(!run.claimAnswer().isWorker)
        #expect(wire.received().contains("Status: 504 Gateway Timeout\r\n"))
        _ = try wire.take()
    }

    @Test("exactly one of them, whichever is first")
    func race() async throws {
        let wire = try Wire()
        var answers = [true: 0, false: 0]
        for _ in 0..<300 {
            let start = MonotonicTime.now
            let connection = try wire.take()
            let run = try run(on: connection, at: start) { $0.requestTimeout = .zero }
            let isOurs = Lock(false)
            let worker = try WorkerThread(name: "worker") {
                let mayWrite = run.claimAnswer().isWorker
                isOurs.withLock { $0 = mayWrite }
            }
            let isAnswered = run.answerIfOverdue(at: start, poller: wire.poller)
            worker.join()
            let mayWrite = isOurs.withLock { $0 }
            #expect(mayWrite != isAnswered)
            answers[isAnswered, default: 0] += 1
            if isAnswered {
                #expect(wire.received().contains("504"))
            } else {
                wire.poller.giveBack(connection, keep: true, isOpen: true)
            }
        }
        // If the control thread always lost, the test would show nothing.
        #expect(answers[true, default: 0] > 0)
    }

    @Test("limits are reported once, and for handlers alone")
    func limits() throws {
        let wire = try Wire()
        let start = MonotonicTime.now
        let run = try run(on: wire.take(), at: start) {
            $0.slowTime = .seconds(1)
            $0.killTime = .seconds(2)
        }
        #expect(!run.isNewlySlow(at: start) && !run.isNewlyKilled(at: start + .seconds(1)))
        #expect(run.isNewlySlow(at: start + .seconds(1)) && !run.isNewlySlow(at: start + .seconds(1)))
        #expect(run.claimAnswer().isWorker)
        #expect(!run.isNewlyKilled(at: start + .seconds(3)))
    }
}

extension Answerer {
    fileprivate var isWorker: Bool {
        if case .worker = self { true } else { false }
    }
}
