internal import Glibc
internal import PostludeSystem

/// Starts processes, replaces those that die, and tells all of them what signals ask for. It serves nothing.
///
/// One thread runs it: it waits for signals, for what processes say and for their ends.
package final class Supervisor {
    enum Stage: Equatable {
        case running
        /// Nothing is started any more.
        case stopping(since: MonotonicTime)
        case leaving(since: MonotonicTime)
    }

    /// What a process that was told to end may take beyond the grace, which it keeps itself.
    static let patience: Duration = .seconds(2)

    /// How often a process that does not read is tried again.
    private static let catchUpInterval: Duration = .milliseconds(100)

    /// How many processes of a new program may die before one is ready, while the old one's serve on.
    static let upgradeDeaths = 8

    let program: SupervisedProgram
    let descriptors: SharedDescriptors
    let ownsSocketFile: Bool
    let hooks: SupervisorHooks
    let signals: SignalSource
    var plan: SupervisorPlan
    var generation: Int
    var policy = RestartPolicy()
    var processes: [SupervisedProcess] = []
    var stage = Stage.running
    /// No process is started before.
    var nextStart: MonotonicTime
    /// The new program's processes do not start, and the old ones' serve on.
    var isSuspended = false
    var hasBeenReady: Bool
    var hasFailed = false
    var preflight: Preflight?
    private var nextBeat = MonotonicTime.now

    /// - Parameters:
    ///   - plan: of the manifest to begin with.
    ///   - signals: SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2.
    ///   - state: what the program has left that this one replaces.
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

    /// Returns when every process has ended.
    ///
    /// - Returns: the exit status: 0 when it was told to stop and no process has left anything.
    package func run() -> Int32 {
        // If the parent has it ignored, the kernel reaps our processes, and their ends are lost.
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
        // Rounded up, or it would wake before its time.
        let milliseconds = time.map { Int32(clamping: $0.saturatedNanoseconds / 1_000_000 + 1) } ?? -1
        waitForInput([signals.descriptor] + watched, milliseconds: milliseconds)
    }

    /// When something has to be done though nothing happens.
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

    /// When a process that was told to end is killed.
    func killTime(of process: SupervisedProcess) -> MonotonicTime? {
        if case .leaving(let since) = stage { return since + .seconds(1) }
        return process.leavesSince.map { $0 + plan.shutdownGrace + Self.patience }
    }

    func listen(to process: SupervisedProcess) {
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
            case .message(.manifestLost, _):
                process.tell(.manifest(generation: generation), plan.manifest)
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

    func describe(_ process: SupervisedProcess, _ more: [String: String] = [:]) -> [String: String] {
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
            // Without its control socket it drains.
            hooks.log(
                .error, "a process could not be taken over", ["pid": "\(left.pid)", "error": "\(error)"])
        }
    }
}
