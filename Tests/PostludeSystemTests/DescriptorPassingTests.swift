import Glibc
import PostludeSystem
import Testing

@Suite("Descriptors between processes")
struct DescriptorPassingTests {
    @Test("A descriptor arrives as another one of the same file, closed on exec, with its bytes")
    func passing() throws {
        let pair = try SocketPair(SOCK_SEQPACKET)
        let file = try CapturedOutput()
        #expect(sendDescriptor(file.descriptor, note: 7, count: 200, to: pair.first))
        let message = try #require(try receiveDescriptor(from: pair.second))
        #expect(message.note == 7 && message.count == 200)
        let descriptor = try #require(message.descriptor)
        defer { close(descriptor) }
        #expect(descriptor != file.descriptor)
        #expect(FileIdentity(descriptor: descriptor) == FileIdentity(descriptor: file.descriptor))
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("A message without a descriptor has none")
    func without() throws {
        let pair = try SocketPair(SOCK_SEQPACKET)
        #expect(sendDescriptor(nil, note: 1, to: pair.first))
        let message = try #require(try receiveDescriptor(from: pair.second))
        #expect(message.note == 1 && message.count == 0 && message.descriptor == nil)
    }

    @Test("A payload arrives whole", arguments: [1, 1000, largestPayload])
    func payload(size: Int) throws {
        let pair = try SocketPair(SOCK_SEQPACKET)
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        #expect(sendDescriptor(nil, note: 1, count: 2, payload: payload, to: pair.first))
        let message = try #require(try receiveDescriptor(from: pair.second))
        #expect(message.note == 1 && message.count == 2 && message.payload == payload)
    }

    @Test("Without a message the result is nil, at once")
    func nothing() throws {
        let pair = try SocketPair(SOCK_SEQPACKET)
        #expect(try receiveDescriptor(from: pair.second) == nil)
    }

    @Test("A socket whose queue is full accepts no more")
    func full() throws {
        let pair = try SocketPair(SOCK_SEQPACKET)
        let taken = (0..<100_000).prefix { _ in sendDescriptor(nil, note: 1, to: pair.first) }.count
        #expect(taken > 0 && taken < 100_000)
    }

    @Test("A descriptor that is not a socket is an error")
    func failure() throws {
        let file = try CapturedOutput()
        let error = #expect(throws: SystemError.self) { try receiveDescriptor(from: file.descriptor) }
        #expect(error?.errno == ENOTSOCK)
        #expect(!sendDescriptor(nil, note: 1, to: file.descriptor))
        #expect(peerUser(of: file.descriptor) == nil)
    }

    @Test("The kernel names the user that has connected a socket")
    func peer() throws {
        let pair = try SocketPair()
        #expect(peerUser(of: pair.first) == geteuid())
        withExtendedLifetime(pair) {}
    }
}
