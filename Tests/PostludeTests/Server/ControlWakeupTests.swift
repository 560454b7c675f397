import Testing

@testable import Postlude

@Suite("ControlWakeup")
struct ControlWakeupTests {
    @Test("wakes the control thread once, until it stops watching by itself")
    func pressure() throws {
        let wakeup = try ControlWakeup()
        wakeup.noneWaiting()
        #expect(wakeup.take() && !wakeup.take())
        wakeup.noneWaiting()
        #expect(!wakeup.take(), "the control thread watches already")
        #expect(wakeup.watchForPressure { true })
        wakeup.noneWaiting()
        #expect(!wakeup.take())
        #expect(!wakeup.watchForPressure { false })
        wakeup.noneWaiting()
        #expect(wakeup.take())
    }

    @Test("a change while the control thread checks wakes it")
    func race() throws {
        let wakeup = try ControlWakeup()
        let isPressed = wakeup.watchForPressure {
            wakeup.noneWaiting()
            return false
        }
        #expect(!isPressed && wakeup.take())
    }

    @Test("pressure and absence are watched separately")
    func absence() throws {
        let wakeup = try ControlWakeup()
        #expect(wakeup.watchForPressure { true })
        wakeup.receivingPaused()
        #expect(wakeup.take())
        #expect(wakeup.watchForPausedReceiving { true })
        wakeup.receivingPaused()
        #expect(!wakeup.take())
    }

    @Test("reports why it has woken the control thread")
    func reasons() throws {
        let wakeup = try ControlWakeup()
        #expect(!wakeup.isStopRequested && !wakeup.isPoolEmpty)
        wakeup.requestStop()
        #expect(wakeup.take() && wakeup.isStopRequested)
        wakeup.poolEmptied()
        #expect(wakeup.take() && wakeup.isPoolEmpty)
    }
}
