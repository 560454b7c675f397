import PostludeSystem
import Testing

@Suite("EventDescriptor")
struct EventDescriptorTests {
    @Test("Signals are read all at once, or one by one if they are counted", arguments: [false, true])
    func signals(isCounting: Bool) throws {
        let event = try EventDescriptor(counting: isCounting)
        #expect(!event.take())
        for _ in 0..<3 { event.signal() }
        #expect(isReadable(event.descriptor))
        #expect(event.take())
        #expect(isReadable(event.descriptor) == isCounting)
        #expect(event.take() == isCounting)
        #expect(event.take() == isCounting)
        #expect(!event.take())
    }
}
