import Foundation
import PostludeSystem
import Testing

@testable import PostludeFastCGI

/// A poller on a free port of 127.0.0.1, with the events that it reported.
final class PollerFixture: Sendable {
    let poller: Poller
    let port: UInt16
    let ends: Ends
    private let policy: BodyPolicy

    final class Ends: Sendable {
        private let list = Lock<[ConnectionEnd]>([])
        var all: [ConnectionEnd] { list.withLock { $0 } }
        func append(_ end: ConnectionEnd) { list.withLock { $0.append(end) } }
    }

    /// - Parameters:
    ///   - sibling: a poller that stands for another process's; this one shares its socket and its queue.
    ///   - isRoomElsewhere: whether that process has more room.
    init(
        times: ConnectionTimes = ConnectionTimes(), webServers: String? = nil,
        limits: GateLimits = GateLimits(), policy: BodyPolicy = .collect(limit: 1 << 20),
        handover: HandoverQueue? = nil, sibling: PollerFixture? = nil,
        isRoomElsewhere: @escaping @Sendable () -> Bool = { false }
    ) throws {
        self.policy = policy
        let listener =
            try sibling.map { try Listener.adopting(dup($0.poller.listener.descriptor)) }
            ?? Listener.open(SocketAddress(parsing: "127.0.0.1:0"))
        guard case .ipv4(_, let port) = listener.address else { throw ListenError.noSocket }
        self.port = port
        let ends = Ends()
        self.ends = ends
        poller = try Poller(
            listener: listener, handover: handover ?? sibling?.poller.handover,
            webServers: WebServers(webServers), limits: limits, times: times, width: 2,
            isRoomElsewhere: isRoomElsewhere, onNoneWaiting: {}, report: { ends.append($0) })
    }

    func connect() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        let address = try SocketAddress(parsing: "127.0.0.1:\(port)")
        let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
        #expect(result == 0)
        return descriptor
    }

    func next(milliseconds: Int32 = 5000) -> Poller.Next {
        poller.next(reading: ReadBuffer(), waiting: milliseconds) { _ in policy }
    }

    /// The connection of the next request.
    func takeNext(_ comment: Comment = "no request") throws -> Connection {
        var taken: Connection?
        if case .request(let connection) = next() { taken = connection }
        let connection = try #require(taken, comment)
        _ = connection.takeRequest()
        return connection
    }

    /// Takes the next request and returns its connection as if it had been answered.
    func answerNext(_ comment: Comment = "no request", keep: Bool = true) throws {
        try poller.giveBack(takeNext(comment), keep: keep, isOpen: true)
    }

    /// Lets events be processed until `condition` holds or five seconds have passed. No request may arrive
    /// meanwhile.
    func takeEvents(until condition: () -> Bool) {
        let end = MonotonicTime.now + .seconds(5)
        while !condition(), .now < end {
            guard case .nothing = next(milliseconds: 10) else {
                Issue.record("there is no request to take")
                return
            }
        }
        #expect(condition())
    }
}

/// Sends all of `bytes`.
func send(_ bytes: [UInt8], to descriptor: Int32) {
    var sent = 0
    while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else {
            Issue.record("send: \(SystemError("send"))")
            return
        }
        sent += count
    }
}

/// Whether the peer closes within a while.
func isClosed(_ descriptor: Int32) -> Bool {
    waitForInput([descriptor], milliseconds: 5000)
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
    return count == 0 || count < 0 && errno != EAGAIN
}

/// A thread that can be joined.
struct TestThread {
    private let end: EventDescriptor

    init(_ body: @escaping @Sendable () -> Void) throws {
        let end = try EventDescriptor()
        self.end = end
        Thread.detachNewThread {
            body()
            end.signal()
        }
    }

    func join() {
        waitForInput([end.descriptor], milliseconds: 120_000)
        #expect(end.take(), "a thread did not end")
    }
}

/// The server's bytes, up to END_REQUEST or its close.
func received(_ descriptor: Int32) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    let end: [UInt8] = [1, 3, 0, 1, 0, 8, 0, 0]
    while !bytes.dropLast(8).suffix(8).elementsEqual(end) {
        waitForInput([descriptor], milliseconds: 5000)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        guard count > 0 else { break }
        bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
}
