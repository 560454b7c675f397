import Testing

@testable import Postlude

@Suite("ControlWakeup")
struct ControlWakeupTests {
    @Test("wakes the control thread once, until it stops watching by itself")
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

    @Test("a change while the control thread checks wakes it")
    func race() throws {
        let wakeup = try ControlWakeup()
        let isPressed = wakeup.watchForPressure {
            wakeup.noneWaiting()
            return false
        }
        #expect(!isPressed && wakeup.silence())
    }

    @Test("pressure and absence are watched separately")
    func absence() throws {
        let wakeup = try ControlWakeup()
        #expect(wakeup.watchForPressure { true })
        wakeup.leftQueue()
        #expect(wakeup.silence())
        #expect(wakeup.watchForAbsence { true })
        wakeup.leftQueue()
        #expect(!wakeup.silence())
    }

    @Test("reports why it has woken the control thread")
    func reasons() throws {
        let wakeup = try ControlWakeup()
        #expect(!wakeup.isStopRequested && !wakeup.isPoolEmpty)
        wakeup.requestStop()
        #expect(wakeup.silence() && wakeup.isStopRequested)
        wakeup.poolEmptied()
        #expect(wakeup.silence() && wakeup.isPoolEmpty)
    }
}
