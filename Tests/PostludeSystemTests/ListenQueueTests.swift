import Glibc
import PostludeSystem
import Testing

@Suite("ListenQueue")
struct ListenQueueTests {
    @Test("The kernel reports how many connections wait, and how many may")
    func waiting() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        // Bound to any port of the loopback interface.
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        func withAddress<Result>(_ body: (UnsafeMutablePointer<sockaddr>) -> Result) -> Result {
            withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
            }
        }
        try #require(withAddress { bind(listener, $0, length) } == 0)
        try #require(listen(listener, 5) == 0)
        try #require(withAddress { getsockname(listener, $0, &length) } == 0)
        #expect(ListenQueue(of: listener)?.waiting == 0)
        #expect(ListenQueue(of: listener)?.limit == 5)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(client) }
        try #require(withAddress { connect(client, $0, length) } == 0)
        #expect(ListenQueue(of: listener)?.waiting == 1)
    }

    @Test("A descriptor that is not a socket has none")
    func none() throws {
        let file = try CapturedOutput()
        #expect(ListenQueue(of: file.descriptor) == nil)
        withExtendedLifetime(file) {}
    }
}
