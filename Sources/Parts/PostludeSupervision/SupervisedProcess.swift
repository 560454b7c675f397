internal import PostludeSystem

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
    /// What there was no room for: it has not read for long.
    private var unsent: [(message: ControlMessage, file: SealedFile?)] = []

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

    /// Whether there is something left to tell it.
    var isBehind: Bool { isControlled && !unsent.isEmpty }

    /// - Parameter file: goes along.
    func tell(_ message: ControlMessage, _ file: SealedFile? = nil) {
        // What is said anew need not be said twice: of the manifests the newest counts.
        unsent.removeAll { $0.message == message || $0.message.isManifest && message.isManifest }
        unsent.append((message, file))
        catchUp()
    }

    /// Tells it what there was no room for.
    func catchUp() {
        while let next = unsent.first, control.send(next.message, descriptor: next.file?.descriptor) {
            unsent.removeFirst()
        }
    }

    func drain(handingOver: Bool, at now: MonotonicTime) {
        leavesSince = now
        tell(.drain(handingOver: handingOver))
    }
}
