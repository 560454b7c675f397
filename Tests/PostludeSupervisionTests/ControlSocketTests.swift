import Glibc
import PostludeSystem
import Testing

@testable import PostludeSupervision

@Suite("The control socket")
struct ControlSocketTests {
    @Test(
        "A message arrives unchanged",
        arguments: [
            ControlMessage.manifest(generation: 7), .reopenLogs, .drain(handingOver: true), .leave, .ready,
            .applied(generation: 2), .replace(reason: "age \"und\" größe"),
        ])
    func messages(message: ControlMessage) throws {
        let (one, other) = try ControlSocket.pair()
        #expect(one.send(message))
        #expect(other.receive() == .message(message, descriptor: nil))
        #expect(other.receive() == .nothing)
    }

    @Test("A descriptor arrives with the message, closed on exec, and its contents cannot change")
    func descriptor() throws {
        let (one, other) = try ControlSocket.pair()
        let text = Array(String(repeating: "manifest ", count: 50_000).utf8)
        do {
            let file = try SealedFile("manifest", text)
            one.send(.manifest(generation: 1), descriptor: file.descriptor)
        }
        guard case .message(.manifest(1), let descriptor?) = other.receive() else {
            Issue.record("no descriptor")
            return
        }
        let file = SealedFile(adopting: descriptor)
        #expect(fcntl(descriptor, F_GETFD) == FD_CLOEXEC)
        #expect(try file.bytes() == text)
        #expect(try file.bytes() == text)
        #expect(write(descriptor, "x", 1) == -1 && errno == EPERM)
        #expect(ftruncate(descriptor, 0) == -1 && errno == EPERM)
    }

    @Test(
        "A descriptor of a message that takes none is closed",
        arguments: [ControlMessage.reopenLogs, .drain(handingOver: true), .leave, .applied(generation: 1)])
    func superfluous(message: ControlMessage) throws {
        let (one, other) = try ControlSocket.pair()
        let (reading, writing) = try makePipe(capacity: 1)
        defer { close(reading) }
        one.send(message, descriptor: writing)
        close(writing)
        var byte: UInt8 = 0
        #expect(read(reading, &byte, 1) == -1 && errno == EAGAIN)
        #expect(other.receive() == .message(message, descriptor: nil))
        // The pipe has ended: its last writing end is closed.
        #expect(read(reading, &byte, 1) == 0)
    }

    @Test("Messages of a newer program are skipped")
    func unknown() throws {
        let (one, other) = try ControlSocket.pair()
        for text in [#"{"dance":{}}"#, "no JSON"] {
            #expect(write(one.descriptor, text, text.utf8.count) == text.utf8.count)
        }
        one.send(.ready)
        #expect(other.receive() == .unknown)
        #expect(other.receive() == .unknown)
        #expect(other.receive() == .message(.ready, descriptor: nil))
    }

    @Test("The last messages of a side that has ended arrive, although it had not read everything")
    func unread() throws {
        var pair: (ControlSocket, ControlSocket)? = try ControlSocket.pair()
        let other = try #require(pair?.1)
        other.send(.manifest(generation: 1))
        pair?.0.send(.ready)
        pair = nil
        #expect(other.receive() == .message(.ready, descriptor: nil))
        #expect(other.receive() == .ended)
    }

    @Test("The end of the other side is seen after its last message, and sending to it fails")
    func end() throws {
        var pair: (ControlSocket, ControlSocket)? = try ControlSocket.pair()
        let other = try #require(pair?.1)
        pair?.0.send(.ready)
        pair = nil
        #expect(other.receive(within: 1000) == .message(.ready, descriptor: nil))
        #expect(other.receive() == .ended)
        #expect(!other.send(.leave))
    }
}
