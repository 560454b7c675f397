internal import Glibc
package import PostludeSystem

/// Starts processes, replaces those that die, and passes on what signals ask for. It serves no requests.
///
/// It runs on one thread, which waits for signals, and for messages and ends of processes.
package final class Supervisor {
    private enum Stage: Equatable {
        case running
        /// No process is started any more.
        case stopping(since: MonotonicTime)
        case leaving(since: MonotonicTime)
    }

    /// How long after the grace, which a process observes itself, a process that does not end is killed.
    private static let killDelay: Duration = .seconds(2)

    /// The interval at which messages are sent again to a process that does not read.
    private static let catchUpInterval: Duration = .milliseconds(100)

    /// The number of processes of a new program that may die before one is ready, while those of the old program serve.
    static let upgradeDeaths = 8

    private let program: SupervisedProgram
    private let descriptors: SharedDescriptors
    private let ownsSocketFile: Bool
    private let hooks: SupervisorHooks
    private let signals: SignalSource
    private var plan: SupervisorPlan
    private var generation: Int
    private var policy = RestartPolicy()
    private var processes: [SupervisedProcess] = []
    private var stage = Stage.running
    /// The time before which no process is started.
    private var nextStart: MonotonicTime
    /// Whether no processes of the new program are started, because they have failed, and those of the old one serve.
    private var isSuspended = false
    private var hasBeenReady: Bool
    private var hasFailed = false
    private var preflight: Preflight?
    /// Whether SIGHUP has arrived during a check.
    private var reloadIsDue = false
    /// The upgrade for which a signal has arrived during a check: whether it is forced; nil if there is none.
    private var dueUpgrade: Bool?
    private var nextBeat = MonotonicTime.now

    /// - Parameters:
    ///   - plan: the plan of the first manifest.
    ///   - signals: the source of SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2.
    ///   - state: the state of the program that this one has replaced.
    package init(
        _ program: SupervisedProgram, plan: SupervisorPlan, descriptors: SharedDescriptors,
        ownsSocketFile: Bool, signals: SignalSource, hooks: SupervisorHooks,
        state: SupervisorState? = nil
    ) {
        self.program = program
        self.plan = plan
        self.descriptors = descriptors
        self.ownsSocketFile = ownsSocketFile
        self.signals = signals
        self.hooks = hooks
        generation = state?.generation ?? 1
        nextStart = .now
        hasBeenReady = false
        for process in state?.processes ?? [] { adopt(process) }
    }

    /// Runs until every process has ended.
    ///
    /// - Returns: the exit status: 0 if the supervisor was told to stop, and every process has finished its work.
    package func run() -> Int32 {
        // If the parent ignores SIGCHLD, so does this process: the kernel would reap the children, and how they ended
        // would be lost.
        signal(SIGCHLD, SIG_DFL)
        while true {
            for process in processes where process.isBehind { process.catchUp() }
            reconcile(at: .now)
            if processes.isEmpty, stage != .running {
                hooks.log(.info, "the supervisor ends", ["status": hasFailed ? "1" : "0"])
                return hasFailed ? 1 : 0
            }
            wait()
            beat(at: .now)
            takeSignals()
            for process in processes where process.isControlled { listen(to: process) }
            reap()
            concludePreflight(at: .now)
        }
    }

    private func beat(at now: MonotonicTime) {
        guard let heartbeat = hooks.heartbeat, now >= nextBeat else { return }
        nextBeat = now + heartbeat.interval
        heartbeat.beat()
    }

    private func wait() {
        let watched =
            processes.flatMap { [$0.child.descriptor] + ($0.isControlled ? [$0.control.descriptor] : []) }
            + (preflight.map { [$0.child.descriptor] } ?? [])
        var time: Duration?
        if let due = nextDue() { time = max(.zero, due - .now) }
        // Rounded up, so that the wait does not end too early.
        let milliseconds = time.map { Int32(clamping: $0.saturatedNanoseconds / 1_000_000 + 1) } ?? -1
        waitForInput([signals.descriptor] + watched, milliseconds: milliseconds)
    }

    /// Returns the next time at which something must be done even without an event; nil if there is none.
    private func nextDue() -> MonotonicTime? {
        var times = processes.filter { !$0.isKilled }.compactMap(killTime)
        if stage == .running, !isSuspended, missing > 0 { times.append(nextStart) }
        if let preflight { times.append(preflight.deadline) }
        if hooks.heartbeat != nil { times.append(nextBeat) }
        times += processes.filter { $0.isReady && !$0.isKilled }.compactMap { process in
            hooks.lastBeat(process.index).map { $0 + plan.watchdog }
        }
        if processes.contains(where: \.isBehind) { times.append(.now + Self.catchUpInterval) }
        return times.min()
    }

    /// Returns the time at which a process that was told to end is killed; nil if it was not told.
    private func killTime(of process: SupervisedProcess) -> MonotonicTime? {
        if case .leaving(let since) = stage { return since + .seconds(1) }
        return process.leavesSince.map { $0 + plan.shutdownGrace + Self.killDelay }
    }

    private func listen(to process: SupervisedProcess) {
        while true {
            switch process.control.receive() {
            case .message(.ready, _):
                process.isReady = true
                if !process.isOld { policy.becameReady() }
                hooks.log(.info, "a process is ready", describe(process))
            case .message(.replace(let reason), _):
                guard !process.wantsSuccessor, !process.isLeaving else { continue }
                process.wantsSuccessor = true
                hooks.log(.info, "a process is replaced", describe(process, ["reason": reason]))
            case .message(.resendManifest, _):
                process.send(.manifest(generation: generation), plan.manifest)
            case .message(_, let descriptor):
                if let descriptor { close(descriptor) }
            case .unknown: continue
            case .nothing: return
            case .ended:
                process.isControlled = false
                return
            }
        }
    }

    private func describe(_ process: SupervisedProcess, _ more: [String: String] = [:]) -> [String: String] {
        more.merging(["process": "\(process.index)", "pid": "\(process.child.pid)"]) { $1 }
    }

    private func adopt(_ left: SupervisorState.Process) {
        let control = ControlSocket(adopting: left.control)
        do {
            let process = SupervisedProcess(
                index: left.index, child: try ChildProcess(adopting: left.pid), control: control,
                start: MonotonicTime(nanoseconds: left.startNanoseconds), isOld: true, isReady: left.isReady)
            if left.isLeaving { process.leavesSince = .now }
            processes.append(process)
        } catch {
            // It drains, because its control socket is closed.
            hooks.log(
                .error, "a process could not be taken over", ["pid": "\(left.pid)", "error": "\(error)"])
        }
    }
}

/// Keeps the number of processes that the plan asks for.
extension Supervisor {
    /// The processes that are to stay.
    private var fresh: [SupervisedProcess] { processes.filter { !$0.isLeaving && !$0.isOutgoing } }
    private var outgoing: [SupervisedProcess] { processes.filter { !$0.isLeaving && $0.isOutgoing } }

    /// The number of processes that must be started.
    private var missing: Int { max(0, plan.processCount - fresh.count) }

    /// Starts missing processes, ends surplus ones, and kills those that do not end in time.
    private func reconcile(at now: MonotonicTime) {
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
        // One old process leaves for each new one that is ready.
        var surplus = fresh.count(where: \.isReady) + outgoing.count - plan.processCount
        // First those that are not ready, because their program was replaced before: the others serve.
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

    /// Kills processes that show no sign of life: a stopped process may hold locks that the others wait for.
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
            process.send(.manifest(generation: generation), plan.manifest)
            processes.append(process)
        } catch {
            hooks.ended(index)
            hooks.log(.error, "a process could not be started", ["process": "\(index)", "error": "\(error)"])
            replace(afterDeathAt: now, startedAt: now)
        }
    }

    /// Handles the processes that have ended.
    private func reap() {
        let now = MonotonicTime.now
        for process in processes {
            guard let exit = process.child.exitIfEnded() else { continue }
            // Its last messages may have arrived since the supervisor read them, for example that it was ready.
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
                hooks.log(.info, "a process has ended, although the supervisor did not ask for it", facts)
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
                hooks.log(.warning, "the next process is started after a delay", ["delay": "\(delay)"])
            }
        }
    }

    /// The number of processes that may die before one is ready. It is small, since the caller of the program should
    /// learn of the failure soon; there is no hurry if processes of the old program serve.
    private var deathsBeforeReady: Int {
        hasOldProcesses ? max(plan.processCount, Self.upgradeDeaths) : plan.processCount
    }

    private var hasOldProcesses: Bool { processes.contains { $0.isOld && !$0.isLeaving } }

    /// Handles the case that no process of this program was ever ready.
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

    /// Tells every process to finish its work and end.
    private func stop() {
        stage = .stopping(since: .now)
        hooks.event(.stopping)
        hooks.stopListening()
        // No new program takes over any more.
        preflight?.child.send(signal: SIGKILL)
        for process in processes { process.drain(handingOver: false, at: .now) }
    }
}

/// Signals.
extension Supervisor {
    private func takeSignals() {
        var first: Int32?
        var others: Set<Int32> = []
        while let signal = signals.take() {
            guard signal == SIGTERM || signal == SIGINT else {
                others.insert(signal)
                continue
            }
            // Different signals that arrive together are one request to stop; the same signal twice is not.
            if let first, first != signal { continue }
            first = first ?? signal
            stop(on: signal)
        }
        // Only once, however often they have arrived: a storm of them must not delay SIGTERM.
        if others.contains(SIGUSR1) { reopenLogs() }
        if others.contains(SIGHUP) { reload() }
        if others.contains(SignalDescriptor.forcedUpgrade) {
            beginUpgrade(isForced: true)
        } else if others.contains(SIGUSR2) {
            beginUpgrade(isForced: false)
        }
    }

    private func reopenLogs() {
        hooks.log(.info, "the logs are reopened", [:])
        hooks.reopenLogs()
        for process in processes { process.send(.reopenLogs) }
    }

    private func stop(on signal: Int32) {
        switch stage {
        case .running:
            hooks.log(
                .info, "stopping: every process finishes its requests and tasks",
                ["reason": "signal \(signal)", "grace": "\(plan.shutdownGrace)"])
            stop()
        case .stopping:
            stage = .leaving(since: .now)
            hasFailed = true
            hooks.log(.error, "stopping at once", ["reason": "second signal \(signal)"])
            for process in processes { process.send(.leave) }
        case .leaving:
            for process in processes { process.child.send(signal: SIGKILL) }
        }
    }

    /// Begins to read the manifest again. Another process checks it first: the application's code decodes the arguments of
    /// schedules, and a trap must not end the supervisor.
    private func reload() {
        guard stage == .running else { return }
        guard preflight == nil else { return reloadIsDue = true }
        reloadIsDue = false
        hooks.event(.reloading)
        do {
            preflight = try check(program.processPath, of: .reload)
        } catch {
            refuseManifest(error)
            hooks.event(.reloaded(generation: generation))
        }
    }

    private func concludeReload(_ preflight: Preflight, _ exit: ChildProcess.Exit) {
        defer { hooks.event(.reloaded(generation: generation)) }
        do {
            // After another status the manifest has mistakes, which `load` names.
            if case .signal = exit {
                throw CheckEnded(exit: exit, output: preflight.output.end(bytes: 4096))
            }
            let next = try hooks.load(preflight.manifest)
            plan = next
            generation += 1
            isSuspended = false
            for process in processes where !process.isLeaving {
                process.send(.manifest(generation: generation), next.manifest)
            }
            hooks.log(.info, "the manifest was read again", ["generation": "\(generation)"])
        } catch {
            refuseManifest(error)
        }
    }

    private func refuseManifest(_ error: any Error) {
        hooks.log(
            .error, "the manifest is refused, the old one stays",
            ["generation": "\(generation)", "error": "\(error)"])
    }
}

/// Replaces the program of this process, which keeps its number, so that its parent does not notice.
extension Supervisor {
    private static let preflightTime: Duration = .seconds(30)

    /// - Parameter isForced: whether the new program need not be able to read the stored tasks.
    private func beginUpgrade(isForced: Bool) {
        guard stage == .running else { return }
        guard preflight == nil else { return dueUpgrade = isForced || dueUpgrade == true }
        dueUpgrade = nil
        guard let path = program.path else {
            return hooks.log(.error, "the program's file is unknown, so that it cannot be replaced", [:])
        }
        hooks.event(.upgrading)
        do {
            preflight = try check(
                path, of: .upgrade, more: isForced ? [] : program.upgradeCheckArguments)
            hooks.log(.info, "the new program is checked", ["path": path])
            if isForced {
                hooks.log(
                    .warning,
                    "the upgrade is forced: it is not checked whether the new program can read the stored tasks",
                    ["path": path])
            }
        } catch {
            refuse("\(error)")
        }
    }

    /// Starts a program that checks the manifest.
    ///
    /// - Parameter more: the arguments for further checks.
    private func check(
        _ path: String, of purpose: Preflight.Purpose, more: [String] = []
    ) throws -> Preflight {
        let manifest = try hooks.readManifest()
        let output = try CapturedOutput()
        let child = try ChildProcess.start(
            path, program.preflightArguments + more,
            inherited: [
                SupervisedProgram.Descriptors.control: manifest.descriptor,
                STDERR_FILENO: output.descriptor,
            ], in: program.folder?.path)
        return Preflight(
            purpose: purpose, child: child, manifest: manifest, output: output,
            deadline: .now + Self.preflightTime)
    }

    private func concludePreflight(at now: MonotonicTime) {
        guard let preflight else { return }
        guard let exit = preflight.child.exitIfEnded() else {
            // Reaped in the next round.
            if now >= preflight.deadline { preflight.child.send(signal: SIGKILL) }
            return
        }
        self.preflight = nil
        guard stage == .running else { return }
        defer {
            if reloadIsDue { reload() }
            // If a check runs again, it is remembered again.
            if let dueUpgrade { beginUpgrade(isForced: dueUpgrade) }
        }
        switch preflight.purpose {
        case .reload: concludeReload(preflight, exit)
        case .upgrade: concludeUpgrade(preflight, exit)
        }
    }

    private func concludeUpgrade(_ preflight: Preflight, _ exit: ChildProcess.Exit) {
        guard exit == .status(0) else {
            // Standard error may be lost, but the log is not.
            return refuse("\(CheckEnded(exit: exit, output: preflight.output.end(bytes: 4096)))")
        }
        var facts = ["path": program.path ?? ""]
        // The last line says what was checked.
        let check = preflight.output.end(bytes: 4096).split(separator: "\n").last
        if let check { facts["check"] = String(check) }
        hooks.log(.info, "the program is replaced", facts)
        do {
            try replaceProgram(manifest: preflight.manifest)
        } catch {
            refuse("\(error)")
        }
    }

    private func refuse(_ reason: String) {
        hooks.log(.error, "the new program is refused, the old one stays", ["reason": reason])
        hooks.event(.upgradeFailed)
    }

    /// Executes the new program; returns only if that fails, by throwing.
    private func replaceProgram(manifest: SealedFile) throws {
        let state = SupervisorState(
            descriptors: descriptors, ownsSocketFile: ownsSocketFile, manifest: manifest.descriptor,
            generation: generation + 1,
            processes: processes.map {
                SupervisorState.Process(
                    index: $0.index, pid: $0.child.pid, control: $0.control.descriptor,
                    startNanoseconds: $0.start.nanoseconds, isReady: $0.isReady, isLeaving: $0.isLeaving)
            })
        let file = try state.sealed()
        let inherited = state.all + [file.descriptor] + (signals.inheritance?.descriptors ?? [])
        for descriptor in inherited { _ = fcntl(descriptor, F_SETFD, 0) }
        defer { for descriptor in inherited { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) } }
        var words = program.arguments.map { strdup($0) } + [nil]
        var added = hooks.environment
        added[SupervisorState.variable] = "\(file.descriptor)"
        if let signals = signals.inheritance { added[signals.variable] = signals.value }
        var variables = Self.environment(with: added) + [nil]
        defer { for text in words + variables { free(text) } }
        let path = program.path ?? ""
        let own = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if own >= 0 { close(own) } }
        try program.folder?.enter()
        hooks.replacing()
        execve(path, &words, &variables)
        let error = SystemError("execve(\(path))")
        // This program starts its processes in the directory in which it was started.
        if program.folder != nil { fchdir(own) }
        throw error
    }

    private static func environment(with added: [String: String]) -> [UnsafeMutablePointer<CChar>?] {
        var variables: [UnsafeMutablePointer<CChar>?] = added.map { strdup("\($0)=\($1)") }
        var next = environ
        while let text = next.pointee {
            variables.append(strdup(text))
            next += 1
        }
        return variables
    }
}

/// A process that checks the manifest: this program before a reload, or a new program before it takes over.
private struct Preflight {
    enum Purpose {
        case reload, upgrade
    }

    let purpose: Purpose
    let child: ChildProcess
    /// The manifest of the check, which is then used.
    let manifest: SealedFile
    /// The standard error of the process.
    let output: CapturedOutput
    let deadline: MonotonicTime
}

/// The error of a check that has not succeeded.
private struct CheckEnded: Error, CustomStringConvertible {
    let exit: ChildProcess.Exit
    let output: String
    var description: String { "its check ended with \(exit)\(output.isEmpty ? "" : ": \(output)")" }
}

/// The source of signals.
package struct SignalSource: Sendable {
    /// A descriptor that is readable if there is a signal.
    let descriptor: Int32
    let take: @Sendable () -> Int32?
    /// What a program that replaces this one needs to inherit the source.
    let inheritance: (variable: String, value: String, descriptors: [Int32])?

    package init(_ signals: SignalDescriptor) {
        self.init(descriptor: signals.descriptor, inheritance: signals.inheritance) {
            signals.takeUpgrades()
        }
    }

    init(
        descriptor: Int32, inheritance: (variable: String, value: String, descriptors: [Int32])? = nil,
        take: @escaping @Sendable () -> Int32?
    ) {
        self.inheritance = inheritance
        self.descriptor = descriptor
        self.take = take
    }
}
