import Glibc
import PostludeSystem
import Testing

@Suite("DatagramSender")
struct DatagramSenderTests {
    @Test("A datagram reaches the daemon whole", arguments: [false, true])
    func sending(isAbstract: Bool) throws {
        let folder = try TemporaryFolder()
        let path = isAbstract ? "@" + folder.file("abstract") : folder.file("socket")
        let daemon = try Daemon(path)
        #expect(try DatagramSender(path: path).send(Array("hello\nworld".utf8)) == 0)
        #expect(daemon.receive() == "hello\nworld")
    }

    @Test("A restarted daemon is found again")
    func restart() throws {
        let folder = try TemporaryFolder()
        let sender = try DatagramSender(path: folder.file("socket"))
        #expect(sender.send([0x61]) == ENOENT)
        var daemon: Daemon? = try Daemon(folder.file("socket"))
        #expect(sender.send([0x61]) == 0)
        #expect(daemon?.receive() == "a")
        daemon = nil
        #expect(sender.send([0x61]) == ECONNREFUSED)
        #expect(unlink(folder.file("socket")) == 0)
        daemon = try Daemon(folder.file("socket"))
        #expect(sender.send([0x62]) == 0)
        #expect(daemon?.receive() == "b")
    }

    @Test("A full queue is an error, and does not wait")
    func fullQueue() throws {
        let folder = try TemporaryFolder()
        let daemon = try Daemon(folder.file("socket"))
        let sender = try DatagramSender(path: folder.file("socket"))
        var errors: Set<Int32> = []
        for _ in 0..<100_000 where errors.isEmpty {
            let error = sender.send([UInt8](repeating: 0x61, count: 1000))
            if error != 0 { errors.insert(error) }
        }
        #expect(errors == [EAGAIN])
        #expect(daemon.receive() == String(repeating: "a", count: 1000))
    }

    @Test(
        "A path that is too long for an address is refused",
        arguments: [("", EINVAL), ("long", ENAMETOOLONG)])
    func paths(path: String, code: Int32) {
        let path = path == "long" ? "/" + String(repeating: "a", count: 107) : path
        let error = #expect(throws: SystemError.self) { try DatagramSender(path: path) }
        #expect(error?.errno == code)
    }

    /// A receiver of datagrams.
    private final class Daemon {
        private let descriptor: Int32

        init(_ path: String) throws {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            var bytes = Array(path.utf8)
            let isAbstract = path.hasPrefix("@")
            if isAbstract { bytes[0] = 0 }
            try #require(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1))
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            let result = withUnsafeBytes(of: &address) {
                bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, length)
            }
            try #require(result == 0, "\(SystemError("bind"))")
        }

        deinit { close(descriptor) }

        func receive() -> String {
            var bytes = [UInt8](repeating: 0, count: 2000)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
    }
}
