import Glibc
import PostludeSystem
import Testing

@Suite("FunctionNames")
struct FunctionNamesTests {
    @Test("A function of a library has its name")
    func library() throws {
        let address = UInt(bitPattern: dlsym(nil, "getpid"))
        try #require(address != 0)
        let frame = try #require(FunctionNames.frames(of: [address]).first)
        #expect(frame.function.hasSuffix("getpid") && frame.symbol == frame.function)
        #expect(!frame.isInExecutable)
    }

    @Test("An address outside all functions is shown as a number")
    func unknown() {
        let frames = FunctionNames.frames(of: [0x10, 0x21])
        #expect(frames.map(\.function) == ["unknown+0x10", "unknown+0x20"])
        #expect(frames.allSatisfy { $0.symbol.isEmpty && !$0.isInExecutable })
    }

    @Test("An empty stack has no frames")
    func empty() { #expect(FunctionNames.frames(of: []).isEmpty) }
}
