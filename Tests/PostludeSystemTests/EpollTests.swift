import Glibc
import PostludeSystem
import Testing

@Suite("Epoll")
struct EpollTests {
    private let epoll: Epoll
    private let pair: SocketPair

    init() throws {
        epoll = try Epoll()
        pair = try SocketPair()
    }

    @Test("Input is reported with its token for as long as there is some")
    func level() throws {
        try epoll.add(pair.first, .input, token: .max)
        #expect(epoll.wait(milliseconds: 0) == nil)
        #expect(write(pair.second, "a", 1) == 1)
        for _ in 0..<2 {
            let event = try #require(epoll.wait(milliseconds: 0))
            #expect(event.token == .max && !event.isHangUp)
        }
    }

    @Test("With an edge, each arrival is reported once, and so is the peer's end")
    func edge() throws {
        try epoll.add(pair.first, .inputEdge, token: 5)
        #expect(write(pair.second, "a", 1) == 1)
        #expect(epoll.wait(milliseconds: 0)?.token == 5)
        #expect(epoll.wait(milliseconds: 0) == nil)
        #expect(write(pair.second, "b", 1) == 1)
        #expect(epoll.wait(milliseconds: 0)?.isHangUp == false)
        #expect(shutdown(pair.second, Int32(SHUT_WR)) == 0)
        #expect(epoll.wait(milliseconds: 0)?.isHangUp == true)
        #expect(epoll.wait(milliseconds: 0) == nil)
    }

    @Test("A removed descriptor is not reported; removing one that was never added does nothing")
    func removal() throws {
        try epoll.add(pair.first, .input, token: 1)
        #expect(write(pair.second, "a", 1) == 1)
        epoll.remove(pair.first)
        epoll.remove(pair.first)
        epoll.remove(-1)
        #expect(epoll.wait(milliseconds: 0) == nil)
    }

    @Test("Adding a descriptor twice is an error")
    func twice() throws {
        try epoll.add(pair.first, .input, token: 1)
        let error = #expect(throws: SystemError.self) { try epoll.add(pair.first, .input, token: 2) }
        #expect(error?.errno == EEXIST)
    }
}
