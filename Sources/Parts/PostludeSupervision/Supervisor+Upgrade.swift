internal import Glibc
internal import PostludeSystem

/// A new program that is being asked whether it could take over.
struct Preflight {
    let child: ChildProcess
    /// What it was asked about, and will begin with.
    let manifest: SealedFile
    /// Its standard error.
    let output: CapturedOutput
    let deadline: MonotonicTime
}

/// Replaces the program of this process, which keeps its number: nothing changes for its parent.
extension Supervisor {
    private static let preflightTime: Duration = .seconds(30)

    func beginUpgrade() {
        guard stage == .running, preflight == nil else { return }
        guard let path = program.path else {
            return hooks.log(.error, "the program's file is not known, so that it cannot be replaced", [:])
        }
        hooks.event(.upgrading)
        do {
            let manifest = try hooks.readManifest()
            let output = try CapturedOutput()
            let child = try ChildProcess.start(
                path, program.preflightArguments,
                inherited: [
                    SupervisedProgram.Descriptors.control: manifest.descriptor,
                    STDERR_FILENO: output.descriptor,
                ], in: program.folder?.path)
            preflight = Preflight(
                child: child, manifest: manifest, output: output, deadline: .now + Self.preflightTime)
            hooks.log(.info, "the new program is checked", ["path": path])
        } catch {
            refuse("\(error)")
        }
    }

    func concludePreflight(at now: MonotonicTime) {
        guard let preflight else { return }
        guard let exit = preflight.child.exitIfEnded() else {
            // Reaped by the next round.
            if now >= preflight.deadline { preflight.child.send(signal: SIGKILL) }
            return
        }
        self.preflight = nil
        guard stage == .running else { return }
        guard exit == .status(0) else {
            // Standard error may be nowhere; the log is somewhere.
            let said = preflight.output.end(bytes: 4096)
            return refuse("its check ended with \(exit)\(said.isEmpty ? "" : ": \(said)")")
        }
        hooks.log(.info, "the program is replaced", ["path": program.path ?? ""])
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

    /// Returns only by throwing.
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
        // The processes that this program starts begin where it was started.
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
