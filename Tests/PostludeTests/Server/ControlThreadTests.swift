import Testing

@testable import Postlude

@Suite("ControlThread")
struct ControlThreadTests {
    @Test("a process that is replaced waits longer for uploads than one that stops, with time left for tasks")
    func patience() {
        #expect(ControlThread.patience(ofGrace: .seconds(40), withOthersServing: true) == .seconds(20))
        #expect(ControlThread.patience(ofGrace: .seconds(40), withOthersServing: false) == .seconds(5))
        for isReplaced in [true, false] {
            #expect(
                ControlThread.patience(ofGrace: .seconds(4), withOthersServing: isReplaced) == .seconds(2))
        }
    }
}
