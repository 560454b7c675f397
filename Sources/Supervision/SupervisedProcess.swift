internal import Linux

/// A process as its supervisor sees it.
final class SupervisedProcess {
    /// Its place on the scoreboard: no two that live have the same.
    let index: Int
    let child: ChildProcess
    let control: ControlSocket
    let start: MonotonicTime
    /// Whether the program that this one has replaced has started it.
    let isOld: Bool
    var isReady: Bool
    var wantsSuccessor = false
    /// Since when it has been told to end.
    var leavesSince: MonotonicTime?
    var isControlled = true
    var isKilled = false

    init(
        index: Int, child: ChildProcess, control: ControlSocket, start: MonotonicTime, isOld: Bool = false,
        isReady: Bool = false
    ) {
        self.index = index
        self.child = child
        self.control = control
        self.start = start
        self.isOld = isOld
        self.isReady = isReady
    }

    var isLeaving: Bool { leavesSince != nil }
    /// Serves, but only until others do.
    var isOutgoing: Bool { isOld || wantsSuccessor }

    func drain(handingOver: Bool, at now: MonotonicTime) {
        leavesSince = now
        control.send(.drain(handingOver: handingOver))
    }
}
