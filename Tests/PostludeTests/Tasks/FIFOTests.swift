import PostludeSystem
import Testing

@Suite("FIFO")
struct FIFOTests {
    @Test("returns elements in their order, also between additions")
    func order() {
        var line = FIFO([1, 2])
        #expect(line.first == 1)
        #expect(line.popFirst() == 1)
        line.append(3)
        line.append(4)
        #expect(line.elements == [2, 3, 4])
        #expect(line.popFirst() == 2)
        #expect(line.popFirst() == 3)
        line.append(5)
        #expect(line.first == 4)
        #expect(line.elements == [4, 5])
        #expect(line.popFirst() == 4)
        #expect(!line.isEmpty)
        #expect(line.popFirst() == 5)
        #expect(line.popFirst() == nil)
        #expect(line.isEmpty)
    }
}
