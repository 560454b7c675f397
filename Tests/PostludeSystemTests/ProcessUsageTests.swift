import Glibc
import Testing

@testable import PostludeSystem

@Suite("ProcessUsage")
struct ProcessUsageTests {
    @Test("The memory and the processor time of a process are the kernel's")
    func own() throws {
        let before = try #require(ProcessUsage(of: Int(getpid())))
        #expect(before.memory > 1 << 20 && before.processorTime >= .zero)
        #expect(try #require(ProcessUsage.ownMemory) > 1 << 20)
        // The clock has ticks of at most 10 ms.
        let start = clock()
        while clock() - start < CLOCKS_PER_SEC / 20 {}
        let after = try #require(ProcessUsage(of: Int(getpid())))
        #expect(after.processorTime - before.processorTime >= .milliseconds(30))
    }

    @Test("There is none of a process that does not exist", arguments: [Int.min, -1, 0, 1 << 40, .max])
    func unknown(pid: Int) {
        #expect(ProcessUsage(of: pid) == nil)
    }

    @Test("A program's name may contain anything")
    func names() {
        let ticks = Int64(sysconf(Int32(_SC_CLK_TCK)))
        let fields = "S 1 1 1 0 -1 4194560 1 2 3 4 300 \(ticks) 7 8 20 0"
        for name in ["shop", "a b", ") 1 2 (", "()"] {
            let time = ProcessUsage.processorTime(in: "71 (\(name)) \(fields)")
            #expect(time == .milliseconds(300 * 1000 / ticks + 1000), "\(name)")
        }
        for text in ["", "71", "71 (a", "71 (a) S 1", "71 (a) S 1 1 1 0 -1 4194560 1 2 3 4 -5 x 7"] {
            #expect(ProcessUsage.processorTime(in: text) == nil, "\(text)")
        }
    }
}
