internal import Glibc
internal import PostludeSystem

/// As many processes as there should be, and no more.
extension Supervisor {
    /// Those that are to stay.
    private var fresh: [SupervisedProcess] { processes.filter { !$0.isLeaving && !$0.isOutgoing } }
    private var outgoing: [SupervisedProcess] { processes.filter { !$0.isLeaving && $0.isOutgoing } }

    /// How many processes have to be started.
    var missing: Int { max(0, plan.processCount - fresh.count) }

    /// Starts what is missing, ends what is too much, and kills what does not end.
    func reconcile(at now: MonotonicTime) {
        for process in processes where !process.isKilled {
            guard let time = killTime(of: process), now >= time else { continue }
            process.isKilled = true
            hooks.log(.error, "a process did not end in time and is killed", describe(process))
            process.child.send(signal: SIGKILL)
        }
        killStopped(at: now)
        guard stage == .running else { return }
        if isSuspended, outgoing.isEmpty { isSuspended = false }
        while stage == .running, !isSuspended, missing > 0, now >= nextStart { start(at: now) }
        guard stage == .running else { return }
        // One leaves for each that has come.
        var surplus = fresh.count(where: \.isReady) + outgoing.count - plan.processCount
        // First those of a program that was replaced before they were ready: the others serve.
        let inOrder = outgoing.filter { !$0.isReady } + outgoing.filter(\.isReady)
        for process in inOrder where surplus > 0 {
            process.drain(handingOver: true, at: now)
            surplus -= 1
        }
        for process in fresh.reversed().prefix(max(0, fresh.count - plan.processCount)) {
            process.drain(handingOver: true, at: now)
        }
        if !hasBeenReady, missing == 0, fresh.allSatisfy(\.isReady) {
            hasBeenReady = true
            hooks.event(.ready)
        }
    }

    /// Kills the processes that give no sign of life: one that was stopped may hold locks that the others wait for.
    private func killStopped(at now: MonotonicTime) {
        for process in processes where process.isReady && !process.isKilled {
            guard let beat = hooks.lastBeat(process.index), now - beat >= plan.watchdog else { continue }
            process.isKilled = true
            hooks.log(
                .error, "a process gives no sign of life and is killed",
                describe(process, ["for": "\(now - beat)", "watchdog": "\(plan.watchdog)"]))
            process.child.send(signal: SIGKILL)
        }
    }

    private func start(at now: MonotonicTime) {
        let taken = Set(processes.map(\.index))
        let index = (0...processes.count).first { !taken.contains($0) } ?? processes.count
        do {
            let (own, other) = try ControlSocket.pair()
            typealias Descriptors = SupervisedProgram.Descriptors
            var inherited = [
                Descriptors.listener: descriptors.listener, Descriptors.control: other.descriptor,
                Descriptors.handoverSending: descriptors.handoverSending,
                Descriptors.handoverReceiving: descriptors.handoverReceiving,
            ]
            inherited[Descriptors.scoreboard] = descriptors.scoreboard
            hooks.starting(index)
            let child = try ChildProcess.start(
                program.processPath, program.processArguments(index), inherited: inherited)
            let process = SupervisedProcess(index: index, child: child, control: own, start: now)
            process.tell(.manifest(generation: generation), plan.manifest)
            processes.append(process)
        } catch {
            hooks.ended(index)
            hooks.log(.error, "a process could not be started", ["process": "\(index)", "error": "\(error)"])
            replace(afterDeathAt: now, startedAt: now)
        }
    }

    /// Takes note of the processes that have ended.
    func reap() {
        let now = MonotonicTime.now
        for process in processes {
            guard let exit = process.child.exitIfEnded() else { continue }
            // What it said last may have come since the supervisor listened: that it was ready, say.
            if process.isControlled { listen(to: process) }
            processes.removeAll { $0 === process }
            defer { hooks.ended(process.index) }
            let facts = describe(process, ["end": "\(exit)"])
            guard stage == .running, !process.isLeaving else {
                if exit == .status(0) {
                    hooks.log(.info, "a process has ended", facts)
                } else {
                    hooks.died(process.index, process.child.pid, exit)
                    hooks.log(.warning, "a process has ended before everything was finished", facts)
                    if stage != .running { hasFailed = true }
                }
                continue
            }
            hooks.died(process.index, process.child.pid, exit)
            if exit == .status(0), process.isReady {
                hooks.log(.info, "a process has ended, though the supervisor did not ask for it", facts)
            } else {
                hooks.log(.error, "a process has died", facts)
            }
            replace(afterDeathAt: now, startedAt: process.start)
        }
    }

    private func replace(afterDeathAt now: MonotonicTime, startedAt start: MonotonicTime) {
        switch policy.died(at: now, startedAt: start, limit: deathsBeforeReady) {
        case .giveUp(let deaths):
            giveUp(["deaths": "\(deaths)"])
        case .replace(let delay):
            nextStart = max(nextStart, now + delay)
            if delay > .zero {
                hooks.log(.warning, "the next process is started after a while", ["delay": "\(delay)"])
            }
        }
    }

    /// How many processes of a program may die before one is ready: the caller of the program should know at
    /// once, and there is no hurry where those of the old program serve on.
    private var deathsBeforeReady: Int {
        hasOldProcesses ? max(plan.processCount, Self.upgradeDeaths) : plan.processCount
    }

    private var hasOldProcesses: Bool { processes.contains { $0.isOld && !$0.isLeaving } }

    /// No process of this program was ever ready.
    private func giveUp(_ facts: [String: String]) {
        policy.tryAgain()
        guard !hasOldProcesses else {
            isSuspended = true
            hooks.log(
                .critical,
                "no process of the new program could start; those of the old one serve on, until SIGHUP or SIGUSR2",
                facts)
            return
        }
        hooks.log(.critical, "emergency stop: no process could start; see the lines above", facts)
        hasFailed = true
        stop()
    }

    /// Tells every process to finish and end.
    func stop() {
        stage = .stopping(since: .now)
        hooks.event(.stopping)
        hooks.stopListening()
        // Nothing takes over any more.
        preflight?.child.send(signal: SIGKILL)
        for process in processes { process.drain(handingOver: false, at: .now) }
    }
}
