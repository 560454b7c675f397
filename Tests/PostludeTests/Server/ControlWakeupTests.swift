import Testing

@testable import Postlude

@Suite("ControlWakeup")
struct ControlWakeupTests {
    @Test("wakes the control thread once, until it has stopped watching by itself")
    func pressure() throws {
        let wakeup = try ControlWakeup()
        wakeup.noneWaiting()
        #expect(wakeup.silence() && !wakeup.silence())
        wakeup.noneWaiting()
        #expect(!wakeup.silence(), "the control thread watches already")
        #expect(wakeup.watchForPressure { true })
        wakeup.noneWaiting()
        #expect(!wakeup.silence())
        #expect(!wakeup.watchForPressure { false })
        wakeup.noneWaiting()
        #expect(wakeup.silence())
    }

    @Test("a change while the control thread looks wakes it")
    func race() throws {
        let wakeup = try ControlWakeup()
        let isPressed = wakeup.watchForPressure {
            wakeup.noneWaiting()
            return false
        }
        #expect(!isPressed && wakeup.silence())
    }

    @Test("pressure and absence are watched apart")
    func absence() throws {
        let wakeup = try ControlWakeup()
        #expect(wakeup.watchForPressure { true })
        wakeup.leftQueue()
        #expect(wakeup.silence())
        #expect(wakeup.watchForAbsence { true })
        wakeup.leftQueue()
        #expect(!wakeup.silence())
    }

    @Test("says what it has woken the control thread for")
    func reasons() throws {
        let wakeup = try ControlWakeup()
        #expect(!wakeup.isStopRequested && !wakeup.isPoolEmpty)
        wakeup.requestStop()
        #expect(wakeup.silence() && wakeup.isStopRequested)
        wakeup.poolEmptied()
        #expect(wakeup.silence() && wakeup.isPoolEmpty)
    }
}
