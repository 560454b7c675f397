internal import PostludeSystem

/// The supervisor's view of a process.
final class SupervisedProcess {
    /// The process's index on the scoreboard, which is unique among living processes.
    let index: Int
    let child: ChildProcess
    let control: ControlSocket
    let start: MonotonicTime
    /// Whether the process was started by the program that this one has replaced.
    let isOld: Bool
    var isReady: Bool
    var wantsSuccessor = false
    /// The time at which the process was told to end; nil if it was not.
    var leavesSince: MonotonicTime?
    var isControlled = true
    var isKilled = false
    /// Messages for which there was no room, because the process has not read for long.
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
    /// Whether the process serves only until its replacement is ready.
    var isOutgoing: Bool { isOld || wantsSuccessor }

    /// Whether there are messages that could not be sent yet.
    var isBehind: Bool { isControlled && !unsent.isEmpty }

    /// Sends a message, or keeps it until there is room.
    ///
    /// - Parameter file: a file whose descriptor is sent with the message.
    func send(_ message: ControlMessage, _ file: SealedFile? = nil) {
        // A repeated message replaces the earlier one, and a manifest replaces an older manifest.
        unsent.removeAll { $0.message == message || $0.message.isManifest && message.isManifest }
        unsent.append((message, file))
        catchUp()
    }

    /// Sends the messages for which there was no room.
    func catchUp() {
        while let next = unsent.first, control.send(next.message, descriptor: next.file?.descriptor) {
            unsent.removeFirst()
        }
    }

    func drain(handingOver: Bool, at now: MonotonicTime) {
        leavesSince = now
        send(.drain(handingOver: handingOver))
    }
}
