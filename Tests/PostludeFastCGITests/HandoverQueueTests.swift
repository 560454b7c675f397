import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("HandoverQueue")
struct HandoverQueueTests {
    private func withPair(_ body: (Int32, Int32) throws -> Void) throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        try body(ends[0], ends[1])
    }

    @Test(
        "receives a sent connection as another descriptor, which is closed on exec",
        arguments: [true, false])
    func passes(hasServed: Bool) throws {
        let queue = try HandoverQueue()
        try withPair { near, far in
            #expect(queue.send(near, hasServed: hasServed, moves: 2))
            guard case .connection(let received, hasServed, moves: 2) = try queue.receive() else {
                Issue.record("the connection was not received")
                return
            }
            defer { close(received) }
            #expect(received != near)
            #expect(fcntl(received, F_GETFD) & FD_CLOEXEC != 0)
            send([7], to: received)
            var byte: UInt8 = 0
            #expect(recv(far, &byte, 1, Int32(MSG_DONTWAIT)) == 1 && byte == 7)
            #expect(try queue.message() == nil)
        }
    }

    @Test("receives the connection of a parked response with its request")
    func parked() throws {
        let queue = try HandoverQueue()
        let head = try RequestHead(
            requestID: 0x0203, keepsConnection: true, stream: Wire.pair("REQUEST_METHOD", "GET"))
        let request = try #require(ParkedRequest(of: head, after: "7"))
        try withPair { near, _ in
            #expect(queue.send(near, parked: request))
            guard case .parked(let received, request) = try queue.receive() else {
                Issue.record("the connection was not received")
                return
            }
            close(received)
            let again = try #require(request.head)
            #expect(again.requestID == 0x0203 && again.string("HTTP_LAST_EVENT_ID") == "7")
            // Messages of another version.
            for payload in [[], [0, 1]] as [[UInt8]] {
                #expect(sendDescriptor(near, note: 4, payload: payload, to: queue.sending))
            }
            #expect(sendDescriptor(nil, note: 4, payload: request.payload, to: queue.sending))
            #expect(try queue.receive() == nil)
        }
        for parameters in [
            Wire.pair("REQUEST_METHOD", "POST"),
            Wire.pair("REQUEST_METHOD", "GET") + Wire.pair("CONTENT_LENGTH", "1"),
            Wire.pair("REQUEST_METHOD", "GET") + Wire.pair("X", String(repeating: "x", count: 70_000)),
        ] {
            let head = try RequestHead(requestID: 1, keepsConnection: true, stream: parameters)
            #expect(ParkedRequest(of: head, after: nil) == nil)
        }
        #expect(ParkedRequest([0, 1, 1, 200])?.head == nil)
    }

    @Test("reports when it is full, and keeps its messages")
    func full() throws {
        let queue = try HandoverQueue()
        var bytes: Int32 = 1
        setsockopt(queue.sending, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        try withPair { near, _ in
            var sent = 0
            while sent < 1000, queue.send(near) { sent += 1 }
            #expect((1..<1000).contains(sent))
            for _ in 0..<sent {
                guard case .connection(let received, hasServed: true, moves: 0) = try queue.receive() else {
                    Issue.record("a connection was lost")
                    return
                }
                close(received)
            }
            #expect(try queue.message() == nil)
            #expect(queue.send(near))
        }
    }

    @Test("accepts the one-byte messages of earlier versions")
    func oneByte() throws {
        let queue = try HandoverQueue()
        var nudge: UInt8 = 1
        #expect(Glibc.send(queue.sending, &nudge, 1, 0) == 1)
        #expect(try queue.message() == .nudge)
    }

    @Test("drops invalid messages, and closes their descriptors")
    func malformed() throws {
        let queue = try HandoverQueue()
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        try withPair { near, far in
            // Without a descriptor, with one that is not a connection, and with an unknown byte.
            _ = "".withCString { Glibc.send(queue.sending, $0, 0, 0) }
            #expect(sendDescriptor(nil, note: 3, to: queue.sending))
            #expect(queue.send(file))
            #expect(queue.send(queue.receiving))
            #expect(sendDescriptor(near, note: 77, to: queue.sending))
            #expect(sendDescriptor(near, note: 1, to: queue.sending))
            queue.nudge()
            let messages = try (0..<2).map { _ in try queue.message() }
            #expect(messages == [.nudge, nil])
            // If a copy of it were open anywhere, its end would not be seen.
            _ = dup2(file, near)
            #expect(isClosed(far))
        }
    }
}

extension HandoverQueue {
    /// The result of `receive`, for expectations, which do not support typed errors.
    func message() throws -> Message? { try receive() }
}
