internal import Glibc
internal import PostludeSystem

/// What signals ask for.
extension Supervisor {
    func takeSignals() {
        var first: Int32?
        var others: Set<Int32> = []
        while let signal = signals.take() {
            guard signal == SIGTERM || signal == SIGINT else {
                others.insert(signal)
                continue
            }
            // Different signals that come together are one request to stop; the same one again is not.
            if let first, first != signal { continue }
            first = first ?? signal
            stop(on: signal)
        }
        // Once, however often they came meanwhile: a storm of them must not keep SIGTERM waiting.
        if others.contains(SIGUSR1) { reopenLogs() }
        if others.contains(SIGHUP) { reload() }
        if others.contains(SIGUSR2) { beginUpgrade() }
    }

    private func reopenLogs() {
        hooks.log(.info, "the logs are opened again", [:])
        hooks.reopenLogs()
        for process in processes { process.tell(.reopenLogs) }
    }

    private func stop(on signal: Int32) {
        switch stage {
        case .running:
            hooks.log(
                .info, "stopping: every process finishes what it has",
                ["reason": "signal \(signal)", "grace": "\(plan.shutdownGrace)"])
            stop()
        case .stopping:
            stage = .leaving(since: .now)
            hasFailed = true
            hooks.log(.error, "stopping at once", ["reason": "second signal \(signal)"])
            for process in processes { process.tell(.leave) }
        case .leaving:
            for process in processes { process.child.send(signal: SIGKILL) }
        }
    }

    private func reload() {
        guard stage == .running else { return }
        hooks.event(.reloading)
        defer { hooks.event(.reloaded(generation: generation)) }
        do {
            let next = try hooks.load()
            plan = next
            generation += 1
            isSuspended = false
            for process in processes where !process.isLeaving {
                process.tell(.manifest(generation: generation), next.manifest)
            }
            hooks.log(.info, "the manifest was read again", ["generation": "\(generation)"])
        } catch {
            hooks.log(
                .error, "the manifest is refused, the old one stays",
                ["generation": "\(generation)", "error": "\(error)"])
        }
    }
}
